// Healthy means: the desk's own user is let in, and the server is the primary that takes writes. Needs credentials.js first.
try {
  const desk = connectAs(DESK_USER, "desk.password");
  if (!desk.hello().isWritablePrimary) {
    throw new Error("the server is not a primary that takes writes");
  }
} catch (error) {
  print(`mongo_db: ${error.message}`);
  quit(1);
}
print("mongo_db: primary, takes writes");
