// Connects to this container's own server. Passwords come from their files: they are in no argument and no variable.
const fs = require("fs");

const ADMINISTRATOR = process.env.MONGO_INITDB_ROOT_USERNAME;
const DESK_USER = process.env.DESK_USER;
const DESK_DATABASE = process.env.DESK_DATABASE;

function passwordIn(file) {
  return fs.readFileSync(`/data/configdb/${file}`, "utf8").trim();
}

function connectAs(user, passwordFile) {
  const server = "127.0.0.1:27017/admin?directConnection=true&serverSelectionTimeoutMS=3000";
  return connect(`mongodb://${user}:${passwordIn(passwordFile)}@${server}`);
}
