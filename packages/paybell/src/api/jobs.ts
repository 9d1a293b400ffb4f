import { type Api, endpoint } from "./endpoint.ts";
import { jobRows, jobSchema, shownJob } from "./job-view.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";

/** Work on many deliveries: survives a restart, and shows how far it is. */
export function jobs(api: Api): void {
  const { house } = api;
  const tag = "jobs";

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/jobs",
      tag,
      summary: "List jobs, newest first",
      scope: "read",
      query: pageQuery,
      answer: pageOf(jobSchema),
    },
    async ({ who, query }) => {
      const found = await jobRows(house, { accountId: who.accountId, modes: [who.mode], ...query });
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map(shownJob), next_cursor };
    },
  );

  endpoint(
    api,
    { method: "get", path: "/v1/jobs/:id", tag, summary: "One job", scope: "read", answer: jobSchema },
    async ({ who, id }) => {
      const [row] = await jobRows(house, { accountId: who.accountId, modes: who.modes, ids: [id()], limit: 1 });
      if (!row) throw notFound("job");
      return shownJob(row);
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/jobs/:id/cancel",
      tag,
      summary: "Stop a job",
      description: "What it did so far stays done.",
      scope: "write",
      answer: jobSchema,
    },
    async ({ who, now, id }) => {
      const { accountId, modes } = who;
      const { rowCount } = await house.pool.query(
        `update job set state = 'cancelled', finished_at = $4
         where account_id = $1 and id = $2 and mode = any($3) and state = 'running'`,
        [accountId, id(), modes, new Date(now)],
      );
      const [row] = await jobRows(house, { accountId, modes, ids: [id()], limit: 1 });
      if (!row) throw notFound("job");
      if (rowCount === 0) throw problem(409, "job_ended", `The job has ended already: ${row.state}.`);
      house.jobsChanged();
      return shownJob(row);
    },
  );
}
