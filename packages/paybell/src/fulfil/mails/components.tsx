import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { Block, Composed } from "./blocks.ts";

/*
 * Mail programs know tables and inline styles; some (Outlook on Windows) know little else. The one style sheet below
 * only adds what a program may miss without harm: the dark colours and the narrow screen.
 */

export function MailDocument({ mail }: { mail: Composed }) {
  return (
    <html lang={mail.language} dir="ltr">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <meta name="format-detection" content="telephone=no, date=no, address=no, email=no" />
        <meta name="x-apple-disable-message-reformatting" />
        <title>{mail.subject}</title>
        <style>{raw(styleSheet)}</style>
      </head>
      <body class="page" style={{ margin: "0", padding: "0", backgroundColor: colour.page, ...font }}>
        <div style={hidden}>
          {mail.preview}
          {raw("&#847; &#8199; ".repeat(60))}
        </div>
        <Table class="page" width="100%" style={{ backgroundColor: colour.page }}>
          <tr>
            <td align="center" class="outside" style={{ padding: "32px 16px 40px" }}>
              <Table width="600" style={{ width: "100%", maxWidth: "600px" }}>
                <Masthead shop={mail.shop} />
                <tr>
                  <td class="card" style={card}>
                    <Table width="100%">
                      {mail.blocks.map((block) => (
                        <BlockRow block={block} />
                      ))}
                    </Table>
                  </td>
                </tr>
                <Footer text={mail.footer} />
              </Table>
            </td>
          </tr>
        </Table>
      </body>
    </html>
  );
}

function BlockRow({ block }: { block: Block }) {
  switch (block.type) {
    case "heading":
      return (
        <Row>
          <h1
            class="ink title"
            style={{
              margin: "0 0 20px",
              fontSize: "26px",
              lineHeight: "32px",
              fontWeight: "700",
              letterSpacing: "-0.3px",
              color: colour.ink,
              ...wrap,
            }}
          >
            {block.text}
          </h1>
        </Row>
      );
    case "paragraph":
      return (
        <Row>
          <p
            class="ink"
            style={{ margin: "0 0 16px", fontSize: "16px", lineHeight: "25px", color: colour.ink, ...wrap }}
          >
            {block.text.split("\n").map((line, index) => (
              <>
                {index > 0 && <br />}
                {line}
              </>
            ))}
          </p>
        </Row>
      );
    case "button":
      return <ButtonRow {...block} />;
    case "code":
      return <CodeRow {...block} />;
    case "notice":
      return (
        <Row>
          <Panel>
            <p
              class="ink"
              style={{ margin: "0 0 4px", fontSize: "16px", lineHeight: "24px", fontWeight: "700", color: colour.ink }}
            >
              {block.label}
            </p>
            <p class="soft" style={{ margin: "0", ...small }}>
              {block.note}
            </p>
          </Panel>
        </Row>
      );
    case "rows":
      return <DataRows rows={block.rows} />;
    default:
      return block satisfies never;
  }
}

function ButtonRow({ label, shown, address, note }: Extract<Block, { type: "button" }>) {
  return (
    <Row>
      <div style={{ padding: "12px 0 20px" }}>
        {address === undefined ? (
          <p class="ink" style={{ margin: "0", fontSize: "16px", lineHeight: "24px", color: colour.ink, ...wrap }}>
            {label}: {shown}
          </p>
        ) : (
          <Table class="wide">
            <tr>
              <td
                class="button"
                align="center"
                bgcolor={colour.accent}
                style={{ borderRadius: "10px", backgroundColor: colour.accent }}
              >
                <a href={address} target="_blank" class="button" style={buttonLink}>
                  {label}
                </a>
              </td>
            </tr>
          </Table>
        )}
        <p class="soft" style={{ margin: "10px 0 0", ...small }}>
          {note}
        </p>
      </div>
    </Row>
  );
}

function CodeRow({ label, value, note }: Extract<Block, { type: "code" }>) {
  return (
    <Row>
      <Panel>
        <p class="soft" style={{ margin: "0 0 8px", ...small }}>
          {label}
        </p>
        <p
          class="ink"
          style={{
            margin: "0",
            fontFamily: mono,
            fontSize: value.length > 40 ? "15px" : "20px",
            lineHeight: "28px",
            letterSpacing: "0.5px",
            fontWeight: "600",
            color: colour.ink,
            ...wrap,
            wordBreak: "break-word",
          }}
        >
          {value}
        </p>
        {note && (
          <p class="soft" style={{ margin: "8px 0 0", ...small }}>
            {note}
          </p>
        )}
      </Panel>
    </Row>
  );
}

function DataRows({ rows }: { rows: Extract<Block, { type: "rows" }>["rows"] }) {
  return (
    <Row>
      <Table width="100%" class="line" style={{ marginTop: "12px", borderTop: `1px solid ${colour.line}` }}>
        {rows.map(([label, value], index) => (
          <tr>
            <td
              class="soft"
              valign="top"
              style={{ padding: `${index === 0 ? "18px" : "4px"} 16px 4px 0`, ...small, whiteSpace: "nowrap" }}
            >
              {label}
            </td>
            <td
              class="ink"
              valign="top"
              align="right"
              style={{ padding: `${index === 0 ? "18px" : "4px"} 0 4px`, ...small, color: colour.ink, ...wrap }}
            >
              {value}
            </td>
          </tr>
        ))}
      </Table>
    </Row>
  );
}

function Masthead({ shop }: { shop: string }) {
  return (
    <tr>
      <td
        class="ink mast"
        style={{
          padding: "0 40px 16px",
          fontSize: "15px",
          lineHeight: "22px",
          fontWeight: "700",
          color: colour.ink,
          ...wrap,
        }}
      >
        {shop}
      </td>
    </tr>
  );
}

function Footer({ text }: { text: string }) {
  return (
    <tr>
      <td
        class="soft mast"
        style={{ padding: "18px 40px 0", fontSize: "13px", lineHeight: "19px", color: colour.soft, ...wrap }}
      >
        {text}
      </td>
    </tr>
  );
}

function Row({ children }: { children: Child }) {
  return (
    <tr>
      <td>{children}</td>
    </tr>
  );
}

/** A quiet field that sets the data apart from the prose. */
function Panel({ children }: { children: Child }) {
  return (
    <Table width="100%" style={{ margin: "4px 0 20px" }}>
      <tr>
        <td
          class="panel"
          bgcolor={colour.panel}
          style={{ padding: "18px 20px", borderRadius: "10px", backgroundColor: colour.panel }}
        >
          {children}
        </td>
      </tr>
    </Table>
  );
}

function Table(props: { width?: string; class?: string; style?: Record<string, string>; children: Child }) {
  const { width, style, children } = props;
  return (
    <table
      role="presentation"
      cellpadding="0"
      cellspacing="0"
      border={0}
      {...(props.class !== undefined && { class: props.class })}
      {...(width !== undefined && { width })}
      style={{ borderCollapse: "separate", ...style }}
    >
      {children}
    </table>
  );
}

const colour = {
  page: "#f3f2ef",
  card: "#ffffff",
  panel: "#f6f5f2",
  line: "#e6e4df",
  ink: "#1c1b1a",
  soft: "#66635e",
  accent: "#1f5fd6",
};
const font = { fontFamily: "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" };
const mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace";
const small = { fontSize: "14px", lineHeight: "21px", color: colour.soft };
const wrap = { overflowWrap: "anywhere", wordWrap: "break-word" };
const card = { padding: "40px 40px 34px", backgroundColor: colour.card, borderRadius: "16px" };
const hidden = {
  display: "none",
  maxHeight: "0",
  overflow: "hidden",
  opacity: "0",
  color: "transparent",
  msoHide: "all",
};
const buttonLink = {
  display: "inline-block",
  padding: "14px 28px",
  fontSize: "16px",
  lineHeight: "22px",
  fontWeight: "600",
  color: "#ffffff",
  textDecoration: "none",
  borderRadius: "10px",
};

const styleSheet = `
body { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
@media (max-width: 480px) {
  .outside { padding: 20px 0 32px !important; }
  .card { padding: 28px 22px 24px !important; border-radius: 0 !important; }
  .mast { padding-left: 22px !important; padding-right: 22px !important; }
  .title { font-size: 24px !important; line-height: 30px !important; }
  .wide { width: 100% !important; }
  a.button { display: block !important; }
}
@media (prefers-color-scheme: dark) {
  .page { background-color: #141413 !important; }
  .card { background-color: #1f1e1d !important; }
  .panel { background-color: #2a2927 !important; }
  .line { border-color: #3a3835 !important; }
  .ink { color: #f2f0ec !important; }
  .soft { color: #aaa69f !important; }
  .button { background-color: #2f6fe4 !important; color: #ffffff !important; }
}
`;
