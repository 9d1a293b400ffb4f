import { type RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { problem } from "./problem.ts";

/** Takes one point. @throws the problem `too_many_requests` when there is none left */
export async function consume(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    throw error instanceof RateLimiterRes ? tooMany(error) : error;
  }
}

export function tooMany({ msBeforeNext }: RateLimiterRes): Error {
  return problem(429, "too_many_requests", "Too many requests. Try again later.", {
    headers: { "retry-after": String(Math.max(1, Math.ceil(msBeforeNext / 1000))) },
  });
}
