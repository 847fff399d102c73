import { expect, request } from "@playwright/test";
import { type ServerName, address, password, roles, servers, signedIn } from "./servers";

/** Signs everybody in once, as the form does, and keeps the cookies. */
export default async function signInEverybody(): Promise<void> {
  for (const name of Object.keys(servers) as ServerName[]) {
    const url = servers[name].url;
    for (const role of roles) {
      const visit = await request.newContext({ baseURL: url });
      const answer = await visit.post("/api/auth/sign-in", {
        form: { email: address(role), password, next: "" },
        headers: { accept: "text/html", origin: url },
        maxRedirects: 0,
      });
      expect(answer.status(), await answer.text()).toBeLessThan(400);
      expect(answer.headers()["location"]).toBe("/marketing/campaigns");
      await visit.storageState({ path: signedIn(role, name) });
      await visit.dispose();
    }
  }
}
