// Somebody signed out: on a computer that several people use, nothing they typed stays behind.
for (const name of Object.keys(sessionStorage)) {
  if (name.startsWith("loupe:")) sessionStorage.removeItem(name);
}
