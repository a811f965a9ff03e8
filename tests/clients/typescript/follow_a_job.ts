// Logs in, creates a job, runs it, and reads its executions: with the types that were generated from the document.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Execution = components["schemas"]["ExecutionOut"];

const [url, email, password, target] = process.argv.slice(2) as [string, string, string, string];
const client = createClient<paths>({ baseUrl: url });

const login = must(await client.POST("/api/v1/auth/login", { body: { email, password } }));
if (!("access_token" in login)) throw new Error("no token without a cookie");
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${login.access_token}`);
    return request;
  },
});
const job = must(await client.POST("/api/v1/jobs", { body: { name: "from TypeScript", target: { type: "webhook", url: target } } }));
const started = must(await client.POST("/api/v1/jobs/{job_id}/execute", { params: { path: { job_id: job.id } }, body: {} }));
const ended = await theEndOf(started);
const listed = must(await client.GET("/api/v1/executions", { params: { query: { job_id: job.id, status: ["succeeded"] } } }));
const missing = await client.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: started.id } } });

console.log(
  JSON.stringify({
    job: job.name,
    state: ended.state,
    response_status: ended.response_status,
    listed: listed.items.map((item) => item.id === ended.id),
    missing: missing.error?.type,
  }),
);

async function theEndOf({ id }: Execution): Promise<Execution> {
  for (;;) {
    const execution = must(await client.GET("/api/v1/executions/{execution_id}", { params: { path: { execution_id: id } } }));
    if (execution.finished_at !== null) return execution;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function must<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}
