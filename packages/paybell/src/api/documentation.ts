import type { GenerateSpecOptions } from "hono-openapi";
import type { House } from "../house.ts";
import { schemaOf } from "./endpoint.ts";
import { problemSchema } from "./problem.ts";

/** What /openapi.json says beside its routes. */
export function documentation({ publicUrl }: Pick<House, "publicUrl">): GenerateSpecOptions["documentation"] {
  return {
    info: {
      title: "Paybell",
      version: "1",
      description:
        "Payment notifications in, access out. Errors are RFC 9457 problem details with a stable `code`; lists are read " +
        "in pages by `cursor`; every POST takes an `Idempotency-Key`.",
    },
    servers: [{ url: publicUrl }],
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "An API key: read, write or owner" } },
      parameters: {
        mode: {
          name: "mode",
          in: "query",
          description: "A live key may look at the test space; a test key sees nothing else",
          schema: { type: "string", enum: ["live", "test"] },
        },
        account: {
          name: "Paybell-Account",
          in: "header",
          description: "An owner key acts for an account its own account created",
          schema: { type: "string", format: "uuid" },
        },
        idempotencyKey: {
          name: "Idempotency-Key",
          in: "header",
          description: "The same request under the same key is done once, and answered the same way for 30 days",
          schema: { type: "string", minLength: 1, maxLength: 255 },
        },
      },
      responses: {
        problem: {
          description: "What went wrong, with a stable code",
          content: { "application/problem+json": { schema: schemaOf(problemSchema, "output") } },
        },
      },
    },
  };
}
