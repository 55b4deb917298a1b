// The console's words. Keys are the English texts themselves; another language is a
// table from them, loaded when it is chosen.
import { createContext, useContext } from "react";

export type Language = "en" | "zh";

export type Say = (text: string, values?: Record<string, string | number>) => string;

export interface Words {
  language: Language;
  t: Say;
  /** Numbers, moments and spans of time in the language. */
  n: (v: number, digits?: number) => string;
  time: (iso?: string, seconds?: boolean) => string;
  moment: (iso?: string) => string;
}

const kept = "imhook.language";

export function preferred(): Language {
  try {
    const k = localStorage.getItem(kept);
    if (k === "en" || k === "zh") return k;
  } catch {
    // No storage: the browser's language it is.
  }
  return (navigator.languages ?? [navigator.language]).map((l) => l.toLowerCase().slice(0, 2)).find((l) => l === "zh" || l === "en") === "zh" ? "zh" : "en";
}

export function keep(language: Language) {
  try {
    localStorage.setItem(kept, language);
  } catch {
    // It holds until the page is left.
  }
}

export async function load(language: Language): Promise<Words> {
  const table: Record<string, string> = language === "zh" ? (await import("./zh")).default : {};
  const locale = language === "zh" ? "zh-CN" : "en";
  const t: Say = (text, values) => {
    const found = table[text] ?? text;
    return values ? found.replace(/\{(\w+)\}/g, (all, k: string) => (k in values ? String(values[k]) : all)) : found;
  };
  const valid = (iso?: string) => (iso && !iso.startsWith("0001") && !Number.isNaN(Date.parse(iso)) ? new Date(iso) : undefined);
  const formats = new Map<string, Intl.DateTimeFormat>();
  const format = (d: Date, o: Intl.DateTimeFormatOptions) => {
    const key = JSON.stringify(o);
    if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { hourCycle: "h23", ...o }));
    return formats.get(key)!.format(d);
  };
  return {
    language,
    t,
    n: (v, digits = 0) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(v),
    time: (iso, seconds = true) => {
      const d = valid(iso);
      if (!d) return "–";
      const clock = format(d, { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) });
      return d.toDateString() === new Date().toDateString() ? clock : format(d, { month: "short", day: "numeric" }) + " " + clock;
    },
    moment: (iso) => {
      const d = valid(iso);
      return d ? format(d, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 }) : "–";
    },
  };
}

export const WordsContext = createContext<Words & { choose: (l: Language) => void }>(null!);
export const useWords = () => useContext(WordsContext);

/** A span in seconds as people say it: 340 ms, 2.5 s, 3 min, 5 h, 2 d. */
export function span(seconds: number | undefined): string {
  if (seconds === undefined || Number.isNaN(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s === 0) return "0 s";
  if (s < 0.001) return "<1 ms";
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${(s / 3600).toFixed(s < 36000 ? 1 : 0)} h`;
  return `${Math.round(s / 86400)} d`;
}

/** How long ago a moment was, in seconds; undefined for none. */
export function since(iso: string | undefined, now = Date.now()): number | undefined {
  if (!iso || iso.startsWith("0001")) return undefined;
  return Math.max(0, (now - Date.parse(iso)) / 1000);
}

export function rate(v: number | undefined): string {
  if (!v) return "0/s";
  return v < 10 ? `${v.toFixed(1)}/s` : v < 10000 ? `${Math.round(v)}/s` : `${(v / 1000).toFixed(1)}k/s`;
}

export function bytes(v: number): string {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]] as const) if (v >= size) return `${(v / size).toFixed(v < 10 * size ? 1 : 0)} ${unit}`;
  return `${v} B`;
}
