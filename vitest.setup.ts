import { configureGlobal } from "fast-check";

/** The same examples in every run, so that a failure is the change's own; another seed explores others. */
configureGlobal({ seed: Number(process.env.PAYBELL_TEST_SEED ?? 20_261_122) });
