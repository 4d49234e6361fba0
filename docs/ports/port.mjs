// A port of the FailoverRequest module to JavaScript, begun: copy it, and make 'dirac-failover verify' agree.
// It reports the inputs and the end of a job that is well, and writes the request. It has no notion of a failed job.
import { createInterface } from "node:readline";
import { writeFileSync } from "node:fs";

const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
};

class Raised extends Error {
  constructor(exception) {
    super(exception.exception);
    this.exception = exception;
  }
}

async function call(target, method, ...args) {
  say({ call: [target, method, args] });
  const reply = await hear();
  if (reply.raises) throw new Raised(reply.raises);
  return reply.answer;
}

const healthy = { STEP_NUMBER: "1", workflowStatus: { OK: true }, stepStatus: { OK: true } };

// The methods that other modules call by themselves, with their parameters: they hand texts on to the job report
const methods = { setApplicationStatus: ["status", "sendFlag"], setJobParameter: ["name", "value", "sendFlag"] };

async function callMethods({ attributes, calls }) {
  const outcome = { ended: "returned", result: [], attributes, request: null };
  for (const [method, given, named = {}] of calls) {
    try {
      if (!(method in methods)) throw new Raised({ exception: "AttributeError", args: [method] });
      const values = methods[method].map((name, i) => (i < given.length ? given[i] : named[name]));
      const sendFlag = values.pop() ?? true;
      if (attributes.jobID) await call("JobReport", method, ...values.map(String), sendFlag);
      outcome.result.push(null);
    } catch (error) {
      outcome.ended = "raised";
      outcome.result.push(error.exception ?? { exception: "Error", args: [String(error)] });
    }
  }
  return outcome;
}

async function run(scenario) {
  if (scenario.calls) return callMethods(scenario);
  const commons = scenario.workflow_commons ?? { PRODUCTION_ID: "00000012", JOB_ID: "00000034" };
  const given = { ...(scenario.attributes ?? healthy) };
  const [user, group] = scenario.owner === undefined ? ["alice", "vo_user"] : scenario.owner ?? [null, null];
  const attributes = {
    ...given,
    production_id: Number(commons.PRODUCTION_ID),
    prod_job_id: Number(commons.JOB_ID),
    jobID: Number((scenario.environment ?? { JOBID: "77" }).JOBID ?? 0),
  };
  const operations = (scenario.operations ?? []).map(({ Files = [], ...fields }) => ({
    Arguments: null, ...fields, Files: Files.map((LFN) => ({ LFN })),
  }));
  const request = {
    RequestName: `job_${attributes.jobID}_request.xml`, JobID: attributes.jobID,
    SourceComponent: `Job_${attributes.jobID}`, Owner: user, OwnerGroup: group, Operations: operations,
  };
  const outcome = { ended: "returned", result: { OK: true, Value: null }, attributes, request };
  try {
    const known = await call("FileReport", "getFiles");
    for (const lfn of String(commons.InputData ?? "").split(";").filter((part) => part)) {
      if (!(lfn in known)) await call("FileReport", "setFileStatus", attributes.production_id, lfn, "Processed", false);
    }
    if (!(await call("FileReport", "commit")).OK) {
      const again = await call("FileReport", "generateForwardDISET");
      if (again.OK && again.Value) operations.push(again.Value);
    }
    await call("JobReport", "setApplicationStatus", "Job Finished Successfully", true);
    if (operations.length) {
      const name = `${attributes.production_id}_${attributes.prod_job_id}_request.json`;
      writeFileSync(name, JSON.stringify({ RequestName: request.RequestName, Operations: operations }));
    }
  } catch (error) {
    if (!(error instanceof Raised)) outcome.result = { OK: false, Errno: 0, Message: String(error) };
    else outcome.result = { OK: false, Errno: 0, Message: error.exception };
  }
  return outcome;
}

await hear(); // the host's hello
say({ hello: { protocol: 2, name: "javascript", version: "0.1", capabilities: ["calls", "methods"] } });
for (let message; (message = await hear()); ) {
  say({ id: message.id, outcome: await run(message.run) });
}
