import type { Money } from "@paybell/protocols/domain/money";
import { z } from "zod";

/** Minor units as a JSON number: exact up to 90 trillion of the smallest unit. */
export const moneySchema = z.object({ minor: z.int(), currency: z.string() });

export function shownMoney({ minor, currency }: Money): { minor: number; currency: string } {
  return { minor: Number(minor), currency };
}
