// A mailing with graphile-worker and nodemailer's pool: a row and a job for each person. What is
// said and heard is described in `../mod.rs`.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { createTransport } from "nodemailer";
import pg from "pg";

const [url, server, file] = process.argv.slice(2);
const message = JSON.parse(readFileSync(file, "utf8"));
const [host, port] = server.split(":");
const AT_ONCE = 32;

const pool = new pg.Pool({ connectionString: url, max: AT_ONCE + 8 });
const utils = await makeWorkerUtils({ pgPool: pool });
await utils.migrate();
await utils.release();
await pool.query("delete from graphile_worker._private_jobs");
await pool.query("drop table if exists mailing");
await pool.query("create table mailing (customer_id bigint primary key, status text not null)");

const mailer = createTransport({
  host,
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  pool: true,
  maxConnections: AT_ONCE,
  maxMessages: Infinity,
});

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => text.replace(/[&<>"']/g, (c) => escapes[c]);
const filled = (template, fields, dress = (text) => text) =>
  template.replace(/\{\{(\w+)\}\}/g, (_, field) => dress(fields[field]));

let open = 0;
let done;
const everybody = new Promise((resolve) => (done = resolve));

async function mail({ id, email, first_name, token }, { query }) {
  const fields = { first_name, unsubscribe_url: message.unsubscribe + token };
  await mailer.sendMail({
    from: message.from,
    to: email,
    subject: filled(message.subject, fields),
    text: filled(message.text, fields),
    html: filled(message.html, fields, escaped),
  });
  await query("update mailing set status = 'sent' where customer_id = $1", [id]);
  open -= 1;
  if (open === 0) done();
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
console.log("ready");
await lines.next();

// Row and job of each person in one transaction.
const client = await pool.connect();
await client.query("begin");
const people = await client.query(
  "insert into mailing (customer_id, status) select id, 'queued' from customers order by id",
);
open = people.rowCount;
await client.query(
  `select count(*) from graphile_worker.add_jobs(array(
     select json_populate_record(null::graphile_worker.job_spec, json_build_object(
              'identifier', 'mail',
              'payload', json_build_object('id', id, 'email', email, 'first_name', first_name,
                                           'token', unsubscribe_token)))
       from customers order by id))`,
);
await client.query("commit");
client.release();

const runner = await run({
  pgPool: pool,
  taskList: { mail },
  noHandleSignals: true,
  logger: new Logger(() => () => {}),
  preset: {
    worker: {
      concurrentJobs: AT_ONCE,
      // Jobs fetched and finished by the batch.
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
});
await everybody;
await runner.stop();

const sent = await pool.query("select count(*)::int as n from mailing where status = 'sent'");
console.log(sent.rows[0].n);
await lines.next();
process.exit(0);
