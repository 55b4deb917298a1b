// How texts are shown that strangers wrote. React writes them as text; what no eye
// would see, or what would turn the line around, is written out.
import { Fragment, memo, useMemo, useState, type ReactNode } from "react";
import { useWords, bytes } from "../i18n";
import { Icon } from "./icon";

// Control characters but for tab and line feed, marks of direction, characters
// without width, line separators, private tags.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

const names: Record<number, string> = {
  0: "NUL", 7: "BEL", 8: "BS", 13: "CR", 27: "ESC", 0x7f: "DEL", 0xad: "SHY", 0x61c: "ALM", 0x200b: "ZWSP", 0x200c: "ZWNJ", 0x200d: "ZWJ", 0x200e: "LRM", 0x200f: "RLM",
  0x2028: "LS", 0x2029: "PS", 0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO", 0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI",
  0x2069: "PDI", 0xfeff: "BOM",
};

/** The text with unseen characters written out; a part of an emoji stays. */
export function seen(text: string): ReactNode {
  unseen.lastIndex = 0;
  if (!unseen.test(text)) return text;
  // It goes on from here otherwise, and leaves out what it found.
  unseen.lastIndex = 0;
  const out: ReactNode[] = [];
  let from = 0;
  for (const m of text.matchAll(unseen)) {
    const code = m[0].codePointAt(0)!;
    const before = text.charCodeAt(m.index - 1);
    // Joiners and variation selectors behind a picture are a part of it.
    if ((code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) && (before >= 0xd800 || (before >= 0x2190 && before <= 0x2bff))) continue;
    out.push(text.slice(from, m.index));
    const hex = "U+" + code.toString(16).toUpperCase().padStart(4, "0");
    out.push(
      <span className="ctl" key={m.index} title={hex}>
        {names[code] ?? hex}
      </span>,
    );
    from = m.index + m[0].length;
  }
  if (out.length === 0) return text;
  out.push(text.slice(from));
  return out.map((p, i) => <Fragment key={i}>{p}</Fragment>);
}

/** A short text of a stranger, in one line, cut where it is too long. */
export function Shown({ text, most = 200, mono }: { text?: string; most?: number; mono?: boolean }) {
  if (text === undefined || text === "") return <span className="faint">–</span>;
  const cut = text.length > most;
  return (
    <bdi className={mono ? "shown mono" : "shown"} title={cut ? text.slice(0, 2000) : undefined}>
      {seen((cut ? text.slice(0, most) : text).replace(/\n/g, "⏎"))}
      {cut ? "…" : ""}
    </bdi>
  );
}

// JSON is laid out token by token: parsing would lose large numbers, the order and
// what is there twice.
const token = /"(?:[^"\\\u0000-\u001f]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:]|\s+/gy;

interface Piece {
  kind: "key" | "string" | "number" | "word" | "mark" | "space";
  text: string;
}

/** The pieces of laid-out JSON; nothing for a text that is none. */
export function layOut(text: string): Piece[] | undefined {
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return undefined;
  const out: Piece[] = [];
  const open: string[] = [];
  const line = () => out.push({ kind: "space", text: "\n" + "  ".repeat(open.length) });
  token.lastIndex = 0;
  let last = "";
  while (token.lastIndex < trimmed.length) {
    const m = token.exec(trimmed);
    if (!m) return undefined;
    const s = m[0];
    if (/^\s/.test(s)) continue;
    if (s === "{" || s === "[") {
      out.push({ kind: "mark", text: s });
      open.push(s);
      if (open.length > 500) return undefined;
    } else if (s === "}" || s === "]") {
      if (open.pop() !== (s === "}" ? "{" : "[")) return undefined;
      if (last !== "{" && last !== "[") line();
      out.push({ kind: "mark", text: s });
    } else if (s === ",") {
      out.push({ kind: "mark", text: "," });
      line();
    } else if (s === ":") {
      const key = out[out.length - 1];
      if (key?.kind === "string") key.kind = "key";
      out.push({ kind: "mark", text: ": " });
    } else {
      if (last === "{" || last === "[") line();
      out.push({ kind: s[0] === '"' ? "string" : /[-\d]/.test(s[0]!) ? "number" : "word", text: s });
      last = s;
      continue;
    }
    if ((s === "{" || s === "[") && (last === "{" || last === "[")) {
      // A list in a list begins on a line of its own.
      const mark = out.pop()!;
      open.pop();
      line();
      open.push(s);
      out.push(mark);
    }
    last = s;
  }
  return open.length === 0 ? out : undefined;
}

/** How much of a body a page shows at once, in characters. */
const room = 32 * 1024;

export function download(text: string, name: string, kind = "application/octet-stream") {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type: kind }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

/** A body of a request or an answer: laid out where it is JSON, cut where it is huge. */
export const Body = memo(function Body({ text, name = "body", label }: { text?: string; name?: string; label?: string }) {
  const { t } = useWords();
  const [whole, setWhole] = useState(false);
  const [plain, setPlain] = useState(false);
  const body = text ?? "";
  const cut = body.length > room && !whole;
  const pieces = useMemo(() => (body.length > 4 * room || plain ? undefined : layOut(body)), [body, plain]);
  if (body === "") return <p className="faint small">{t("empty")}</p>;
  let left = cut ? room : Infinity;
  return (
    <div className="body">
      <div className="body-tools">
        {label && <span className="label">{label}</span>}
        <span className="faint small">{bytes(new Blob([body]).size)}</span>
        {(pieces || plain) && (
          <button className="link" onClick={() => setPlain(!plain)}>
            {plain ? t("laid out") : t("as it came")}
          </button>
        )}
        <Copy text={body} />
        <button className="icon-button" aria-label={t("Download")} title={t("Download")} onClick={() => download(body, name + (pieces ? ".json" : ".txt"))}>
          <Icon name="download" />
        </button>
      </div>
      <pre tabIndex={0} aria-label={label ?? t("Body")}>
        {pieces
          ? pieces.map((p, i) => {
              if (left <= 0) return null;
              const s = p.text.length > left ? p.text.slice(0, left) + "…" : p.text;
              left -= p.text.length;
              return p.kind === "space" ? s : <span key={i} className={"j-" + p.kind}>{seen(s)}</span>;
            })
          : seen(cut ? body.slice(0, room) + "…" : body)}
      </pre>
      {cut && (
        <p className="small">
          {t("The first {n} of {all}.", { n: bytes(room), all: bytes(body.length) })}{" "}
          {body.length < 40 * room ? (
            <button className="link" onClick={() => setWhole(true)}>
              {t("Show all")}
            </button>
          ) : (
            t("Download it to see the rest.")
          )}
        </p>
      )}
    </div>
  );
});

export function Copy({ text, label }: { text: string | (() => string); label?: string }) {
  const { t } = useWords();
  const [done, setDone] = useState(false);
  const copy = async () => {
    const s = typeof text === "string" ? text : text();
    try {
      await navigator.clipboard.writeText(s);
    } catch {
      // Without https there is no clipboard: the old way.
      const area = document.createElement("textarea");
      area.value = s;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button className={label ? "button" : "icon-button"} aria-label={label ?? t("Copy")} title={label ?? t("Copy")} onClick={() => void copy()}>
      <Icon name={done ? "check" : "copy"} />
      {label && <span>{done ? t("Copied") : label}</span>}
    </button>
  );
}

/** A word of a shell, quoted so that nothing in it is more than itself. */
export function quoted(s: string): string {
  if (s !== "" && /^[\w@%+=:,./-]+$/.test(s)) return s;
  // Control characters and what the eye does not see are written out.
  unseen.lastIndex = 0;
  if (/[\n\t]/.test(s) || unseen.test(s)) {
    const out = Array.from(s, (c) => {
      const code = c.codePointAt(0)!;
      unseen.lastIndex = 0;
      if (c === "\\" || c === "'") return "\\" + c;
      if (code < 0x80 && (code < 0x20 || code === 0x7f)) return "\\x" + code.toString(16).padStart(2, "0");
      return unseen.test(c) ? Array.from(new TextEncoder().encode(c), (b) => "\\x" + b.toString(16).padStart(2, "0")).join("") : c;
    });
    return "$'" + out.join("") + "'";
  }
  return "'" + s.replace(/'/g, `'\\''`) + "'";
}

export function curl(r: { method?: string; url: string; headers?: Record<string, string>; body?: string }): string {
  const parts = ["curl -X " + (r.method ?? "POST"), quoted(r.url)];
  for (const [k, v] of Object.entries(r.headers ?? {})) parts.push("-H " + quoted(`${k}: ${v}`));
  // A body that begins with @ would be read as the name of a file.
  if (r.body !== undefined) parts.push("--data-raw " + quoted(r.body));
  return parts.join(" \\\n  ");
}
