// Initiates the replica set of one node and gives the desk its user. Idempotent: runs at every start of the container.
//
// Needs credentials.js loaded first. Retries while the server starts, then gives up with an error in the container's log.
const DEADLINE_SECONDS = 180;

function initiateOnce(admin) {
  try {
    admin.adminCommand({ replSetGetStatus: 1 });
  } catch (error) {
    if (error.codeName !== "NotYetInitialized") {
      throw error;
    }
    const member = { _id: 0, host: process.env.REPLICA_SET_HOST };
    admin.adminCommand({ replSetInitiate: { _id: "rs0", members: [member] } });
    print(`mongo_db: initiated the replica set rs0 on ${member.host}`);
  }
}

// The password file is the truth: after a restore of the configuration volume the user gets the password that is in it.
function giveDeskItsUser(admin) {
  const access = {
    pwd: passwordIn("desk.password"),
    roles: [{ role: "readWrite", db: DESK_DATABASE }],
  };
  if (admin.getUser(DESK_USER) === null) {
    admin.createUser({ user: DESK_USER, ...access });
    print(`mongo_db: made the user ${DESK_USER} for the database ${DESK_DATABASE}`);
  } else {
    admin.updateUser(DESK_USER, access);
  }
}

function attempt() {
  const admin = connectAs(ADMINISTRATOR, "admin.password");
  initiateOnce(admin);
  if (!admin.hello().isWritablePrimary) {
    throw new Error("the server is not the primary yet");
  }
  giveDeskItsUser(admin);
}

for (let waited = 0; ; waited += 1) {
  try {
    attempt();
    break;
  } catch (error) {
    if (waited >= DEADLINE_SECONDS) {
      print(`mongo_db: could not initiate the replica set: ${error.message}`);
      quit(1);
    }
    sleep(1000);
  }
}
