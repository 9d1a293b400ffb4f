/** The event of the test button, for formats that have a word for it. */
export const testEvent = "endpoint.test";
