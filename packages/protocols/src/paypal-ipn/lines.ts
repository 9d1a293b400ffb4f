import { count, id, label } from "../values.ts";
import { type Currency, type Money, parseCurrency, parseMinor } from "../domain/money.ts";
import { type Line, type Share, split } from "../paypal/split.ts";
import type { Form } from "./form.ts";

/**
 * The products a message speaks of, each with its part of the money.
 *
 * A product is known by its number (`item_number`), or by its name where the seller gave it none; profiles only have
 * `product_name`. A payment without any of them (money sent by hand) is of the product named like its `txn_type`, such as
 * `send_money`, and of `payment` where even that is absent: the seller may map it like any other.
 * A cart counts its fields (`item_number1`, `item_name1`, `quantity1`, and `mc_gross_1` with its underscore). What was paid
 * in all, shipping and tax included, is shared in proportion to the lines.
 * @param whole what was paid, not negative; undefined: each product's part is nothing
 * Source: PayPal "IPN and PDT variables", cart and payment variables
 */
export function sharesOf(form: Form, whole: Money | undefined): Share[] {
  const numbered = cartOf(form, whole?.currency);
  return split(numbered.length > 0 ? numbered : [single(form)], whole?.minor ?? 0n);
}

/**
 * What moved, without its sign.
 * @returns undefined where amount or currency is missing or cannot be read
 */
export function amountOf(
  form: Form,
  names: readonly string[] = ["mc_gross"],
): (Money & { readonly negative: boolean }) | undefined {
  const currency = parseCurrency(form.get("mc_currency")) ?? parseCurrency(form.get("currency_code"));
  const text = names.map((name) => form.get(name)).find((value) => value !== undefined && value.trim() !== "");
  const minor = currency && parseMinor(text?.trim(), currency);
  if (currency === undefined || minor === undefined) return undefined;
  return { minor: minor < 0n ? -minor : minor, currency, negative: minor < 0n };
}

/** The subscription's or sale's one product. */
export function single(form: Form): Line {
  const productName = label(form.get("item_name")) ?? label(form.get("product_name"));
  const quantity = count(form.get("quantity"));
  return {
    productId: product(form.get("item_number")) ?? product(productName) ?? product(form.get("txn_type")) ?? "payment",
    ...(productName && { productName }),
    ...(quantity && { quantity }),
    weight: undefined,
  };
}

function cartOf(form: Form, currency: Currency | undefined): Line[] {
  const numbers = [...form.keys()].flatMap((name) => /^item_(?:name|number)([1-9]\d{0,2})$/.exec(name)?.[1] ?? []);
  return [...new Set(numbers.map(Number))]
    .toSorted((a, b) => a - b)
    .flatMap((n): Line[] => {
      const productName = label(form.get(`item_name${n}`));
      const productId = product(form.get(`item_number${n}`)) ?? product(productName);
      if (productId === undefined) return [];
      const quantity = count(form.get(`quantity${n}`));
      return [
        {
          productId,
          ...(productName && { productName }),
          ...(quantity && { quantity }),
          weight: currency && parseMinor(form.get(`mc_gross_${n}`)?.trim(), currency),
        },
      ];
    });
}

function product(text: string | undefined): string | undefined {
  return id(text?.trim());
}
