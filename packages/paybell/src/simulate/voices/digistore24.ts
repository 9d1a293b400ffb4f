import { readForm } from "@paybell/protocols/digistore24/form";
import { digistore24Format } from "@paybell/protocols/digistore24/format";
import { repeatsOf } from "../../send/schedule.ts";
import type { Voice } from "../voice.ts";
import { formatVoice } from "./normalised.ts";

/** Digistore24: delivered by a body that begins with `OK`. Source: Digistore24 "IPN"; how the repeats grow is a guess */
export const digistore24Voice: Voice = formatVoice(digistore24Format, {
  title: "Digistore24",
  wants: "200 with a body that begins with OK",
  repeats: repeatsOf("digistore24"),
  eventOf: (body) => readForm(body).get("event") ?? "",
});
