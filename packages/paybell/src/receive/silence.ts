import type { Instant } from "@paybell/protocols/domain/day";

/**
 * From which instant on it is unusual that a connection is silent, by its own rhythm of the last weeks.
 *
 * Silence is weighed, not timed: each hour without an arrival weighs as much as an arrival was to be expected in that
 * hour of the week (as a Poisson process would have it: `-ln(1 - chance)`), so nights and weekends of a shop that sells
 * by day weigh next to nothing. Unusual is what weighs twice as much as the heaviest silence before, and never less than
 * what chance alone would bring about once in some thousand silences.
 *
 * @param arrivals in any order; of several within an hour of the clock (UTC) one is enough
 * @param heardFrom silence before it does not count, as nobody listened
 * @returns null: too little is known to call any silence unusual
 */
export function unusualFrom(arrivals: readonly Instant[], heardFrom = Number.NEGATIVE_INFINITY): Instant | null {
  const hours = [...new Set(arrivals.map(hourOf))].toSorted((a, b) => a - b);
  const [first, last] = [hours[0], hours.at(-1)];
  if (first === undefined || last === undefined) return null;
  if (hours.length < fewestHours || last - first < shortestHours) return null;
  const weights = weightsOf(hours);
  const limit = Math.max(leastWeight, factor * heaviestUsual(silencesOf(hours, weights)));
  let hour = Math.max(last, hourOf(heardFrom)) + 1;
  let weight = weightAt(weights, hour);
  // Ends: there are arrivals, so the hours of a week do not all weigh nothing.
  while (weight < limit) weight += weightAt(weights, ++hour);
  return (hour + 1) * hourMs;
}

const hourMs = 3_600_000;
const week = 168;

/** Hours with arrivals, and hours from the first to the last of them, below which nothing is known. */
const fewestHours = 8;
const shortestHours = 2 * week;

/** A Poisson process has one silence in e^8, about 3000, that weighs more. */
const leastWeight = 8;
/** What was before may be again, and somewhat longer. */
const factor = 2;

function hourOf(at: Instant): number {
  return Math.floor(at / hourMs);
}

function weightAt(weights: readonly number[], hour: number): number {
  return weights[hour % week]!;
}

/** What a silent hour weighs, for each hour of the week. Weeks begin where the epoch did, on a Thursday. */
function weightsOf(hours: readonly number[]): number[] {
  const first = hours[0]!;
  const count = hours.at(-1)! - first + 1;
  const heard = Array.from({ length: week }, () => 0);
  for (const hour of hours) heard[hour % week]!++;
  const seen = heard.map((_, hour) => Math.floor((count - 1 - ((((hour - first) % week) + week) % week)) / week) + 1);
  const usual = hours.length / count;
  return heard.map((_, hour) => {
    const chance = (around(heard, hour) + doubt * usual) / (around(seen, hour) + doubt);
    return -Math.log(1 - Math.min(chance, mostChance));
  });
}

/** With the hours beside it: rhythms are not exact, and twice a year clocks are changed. */
function around(values: readonly number[], hour: number): number {
  return (values[(hour + week - 1) % week]! + 2 * values[hour]! + values[(hour + 1) % week]!) / 4;
}

/** Few weeks do not prove that nothing ever arrives in an hour, or always: so many weeks of average are mixed in. */
const doubt = 0.5;
const mostChance = 0.95;

type Silence = { readonly weight: number; readonly hours: number };

function silencesOf(hours: readonly number[], weights: readonly number[]): Silence[] {
  return hours.slice(1).map((to, index) => {
    const from = hours[index]!;
    let weight = 0;
    for (let hour = from + 1; hour < to; hour++) weight += weightAt(weights, hour);
    return { weight, hours: to - from };
  });
}

/** Without one or two that stand out: those were failures, and must not hide the next one for weeks. */
function heaviestUsual(silences: readonly Silence[]): number {
  const heaviest = silences.toSorted((a, b) => b.weight - a.weight);
  const total = silences.reduce((sum, { hours }) => sum + hours, 0);
  for (const count of [2, 1]) {
    const outstanding = heaviest.slice(0, count);
    const next = heaviest[count]?.weight ?? 0;
    const isRare = outstanding.reduce((sum, { hours }) => sum + hours, 0) < total / 4;
    const bound = Math.max(leastWeight, factor * next);
    if (isRare && outstanding.every(({ weight }) => weight > factor * bound)) return next;
  }
  return heaviest[0]!.weight;
}
