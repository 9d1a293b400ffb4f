import { copecartFormat } from "./copecart/format.ts";
import { digistore24Format } from "./digistore24/format.ts";
import type { Format } from "./format.ts";
import { standardWebhooks } from "./standard-webhooks/format.ts";

/** Every way in which events leave the house, by its name. */
export const formats: ReadonlyMap<string, Format> = new Map(
  [standardWebhooks, copecartFormat, digistore24Format].map((format) => [format.name, format]),
);
