/** What can be wrong with the store that a person has to act on. */
export type StoreCode =
  | "store_unsupported" // no PostgreSQL binaries for this machine
  | "store_no_user" // root, and nobody to run the server as
  | "store_folder" // the data folder cannot be used
  | "store_disk_full"
  | "store_other_version" // made by another major version of PostgreSQL
  | "store_too_old" // a server below the oldest supported version
  | "store_not_started"
  | "migration_changed"
  | "migration_newer";

/** One sentence for a person, and a code that scripts may rely on. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreCode;

  constructor(code: StoreCode, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? {} : { cause });
    this.code = code;
  }
}
