/** A product of the simulated shop, as the provider knows it and as Paybell maps it; plans go by the month. */
export type Article = {
  readonly id: string;
  readonly name: string;
  readonly internalName: string;
  readonly type: "digital" | "electronic_book" | "services";
  /** price of one payment, gross, in cents */
  readonly cents: number;
  readonly plan:
    | { readonly kind: "once" }
    | { readonly kind: "subscription" }
    | { readonly kind: "instalments"; readonly total: number };
  /** what it opens */
  readonly features: readonly string[];
};

export const course: Article = {
  id: "4be81c07",
  name: "Online-Kurs Kräuterwissen",
  internalName: "kraeuter-basis",
  type: "digital",
  cents: 11_900,
  plan: { kind: "once" },
  features: ["course"],
};

export const book: Article = {
  id: "9d02f6ea",
  name: "Begleitbuch als PDF",
  internalName: "kraeuter-begleitbuch",
  type: "electronic_book",
  cents: 2_975,
  plan: { kind: "once" },
  features: ["book"],
};

export const club: Article = {
  id: "c35a7710",
  name: "Mitgliedschaft Gartenclub",
  internalName: "gartenclub-monat",
  type: "digital",
  cents: 2_380,
  plan: { kind: "subscription" },
  features: ["club", "month {n}"],
};

export const training: Article = {
  id: "71f3d9b8",
  name: "Jahresausbildung Gartentherapie",
  internalName: "jahresausbildung-3raten",
  type: "services",
  cents: 35_700,
  plan: { kind: "instalments", total: 3 },
  features: ["training"],
};

export const catalogue = [course, book, club, training] as const;

/** German VAT of 19 %, contained in the gross price. */
export function vatWithin(cents: number): number {
  return Math.round((cents * 19) / 119);
}

export type Person = { readonly first: string; readonly last: string; readonly domain: string; readonly city: string };

/** Invented, every one. */
export const people: readonly [Person, ...Person[]] = [
  { first: "Mara", last: "Lindner", domain: "example.de", city: "Freiburg" },
  { first: "Petra", last: "Vogel", domain: "example.com", city: "Münster" },
  { first: "Tobias", last: "Hahn", domain: "example.de", city: "Kassel" },
  { first: "Anneliese", last: "Krämer", domain: "example.de", city: "Passau" },
  { first: "Jonas", last: "Özdemir", domain: "example.com", city: "Köln" },
  { first: "Ida", last: "Brandt", domain: "example.de", city: "Lübeck" },
  { first: "Levin", last: "Sauer", domain: "example.com", city: "Jena" },
  { first: "Nele", last: "Fuchs", domain: "example.de", city: "Trier" },
];
