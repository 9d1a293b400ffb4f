import type { Block, Composed } from "./blocks.ts";

/** The plain-text part, for readers without HTML and for those who listen to their mail. */
export function plainText(mail: Composed): string {
  const parts = mail.blocks.map(writeBlock);
  return `${[...parts, "—", mail.shop, mail.footer].filter((part) => part !== "").join("\n\n")}\n`;
}

function writeBlock(block: Block): string {
  switch (block.type) {
    case "heading":
    case "paragraph":
      return block.text;
    case "button":
      return lines(`${block.label}:`, block.shown, block.note);
    case "code":
      return lines(`${block.label}:`, "", `    ${block.value}`, ...(block.note ? ["", block.note] : []));
    case "notice":
      return lines(block.label, block.note);
    case "rows":
      return lines(...block.rows.map(([label, value]) => `${label}: ${value}`));
    default:
      return block satisfies never;
  }
}

function lines(...list: string[]): string {
  return list.join("\n");
}
