// Pieces that pages are made of. Focus, keys and roles of dialogs, menus and tabs are
// those of Radix' primitives.
import * as RDialog from "@radix-ui/react-dialog";
import { createContext, useCallback, useContext, useEffect, useId, useMemo, useRef, useState, type ReactNode } from "react";
import { Link } from "wouter";
import { Refused, type Me, type Problem, type Role } from "../api";
import { since, span, useWords } from "../i18n";
import { Icon } from "./icon";
import { seen } from "./text";

// ---- Who asks, and what he may

export const MeContext = createContext<Me>({ name: "", role: "viewer", by: "machine", history: "off" });
export const useMe = () => useContext(MeContext);
const roles: Role[] = ["viewer", "operator", "admin"];
export const may = (me: Me, least: Role) => roles.indexOf(me.role) >= roles.indexOf(least);

/** A button that needs a role; without it, it says so. */
export function Act({ least = "operator", onClick, children, icon, kind, disabled, busy, type, title }: {
  least?: Role; onClick?: () => void; children: ReactNode; icon?: string; kind?: "primary" | "danger"; disabled?: boolean; busy?: boolean; type?: "submit"; title?: string;
}) {
  const me = useMe();
  const { t } = useWords();
  const no = !may(me, least);
  return (
    <button
      type={type ?? "button"}
      className={"button" + (kind ? " " + kind : "")}
      disabled={no || disabled || busy}
      title={no ? t("This needs the role {role}; you are {mine}.", { role: t(least), mine: t(me.role) }) : title}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}

// ---- Words about what is wrong

export function errorText(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}

export function ErrorNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useWords();
  if (!error) return null;
  const status = error instanceof Refused ? error.status : undefined;
  const at = error instanceof Refused ? error.at : {};
  return (
    <div className="note bad" role="alert">
      <Icon name="warn" />
      <div>
        <span className="prewrap">{status === 0 ? t("The gateway cannot be reached.") : seen(errorText(error))}</span>
        {at.when && <PlacedIn text={at.when} line={at.line} column={at.column} />}
        {retry && (
          <>
            {" "}
            <button className="link" onClick={retry}>
              {t("Try again")}
            </button>
          </>
        )}
      </div>
    </div>
  );
}

/** A text with a mark below the place that is wrong. */
function PlacedIn({ text, line = 1, column = 1 }: { text: string; line?: number; column?: number }) {
  const l = text.split("\n")[line - 1] ?? "";
  return (
    <pre className="placed">
      {seen(l)}
      {"\n" + " ".repeat(Math.max(0, column - 1)) + "▲"}
    </pre>
  );
}

export function Note({ kind, children }: { kind?: "bad" | "warn" | "good"; children: ReactNode }) {
  return (
    <div className={"note " + (kind ?? "")}>
      {kind === "bad" || kind === "warn" ? <Icon name="warn" /> : kind === "good" ? <Icon name="check" /> : null}
      <div>{children}</div>
    </div>
  );
}

/** What to do next where there is nothing. */
export function Empty({ title, children, icon = "inbox" }: { title: string; children?: ReactNode; icon?: string }) {
  return (
    <div className="empty">
      <Icon name={icon} size={28} />
      <p className="empty-title">{title}</p>
      {children && <div className="empty-text">{children}</div>}
    </div>
  );
}

export function Loading() {
  const { t } = useWords();
  return (
    <div className="loading" role="status">
      <span className="spinner" /> {t("Loading…")}
    </div>
  );
}

// ---- Small things

const tones: Record<string, string> = {
  live: "good", delivered: "good", allow: "good", asked: "good", done: "good", closed: "good", ok: "good", current: "good", finished: "good",
  "catching up": "warn", ramping: "warn", "half-open": "warn", retry: "warn", retrying: "warn", waiting: "warn", running: "warn", queued: "warn", rewrite: "warn",
  shadow: "warn", held: "warn", "not yet": "warn", expiring: "warn",
  open: "bad", paused: "bad", parked: "bad", deny: "bad", drop: "bad", refused: "bad", misconfigured: "bad", failed: "bad", expired: "bad", broken: "bad",
};

export function Badge({ word, tone, title }: { word: string; tone?: "good" | "warn" | "bad" | "plain"; title?: string }) {
  const { t } = useWords();
  return (
    <span className={"badge " + (tone ?? tones[word] ?? "plain")} title={title}>
      {t(word)}
    </span>
  );
}

export function Ago({ at }: { at?: string }) {
  const { t, moment } = useWords();
  const s = since(at);
  if (s === undefined) return <span className="faint">–</span>;
  return (
    <time dateTime={at} title={moment(at)}>
      {s < 1 ? t("now") : t("{span} ago", { span: span(s) })}
    </time>
  );
}

export function Page({ title, actions, children, back, wide }: { title: ReactNode; actions?: ReactNode; children: ReactNode; back?: { href: string; text: string }; wide?: boolean }) {
  const plain = typeof title === "string" ? title : undefined;
  useEffect(() => {
    if (plain) document.title = plain + " · imhook";
  }, [plain]);
  return (
    <div className={"page" + (wide ? " wide" : "")}>
      <header className="page-head">
        <div className="page-title">
          {back && (
            <Link className="back" href={back.href}>
              ← {back.text}
            </Link>
          )}
          <h1>{title}</h1>
        </div>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Card({ title, children, actions, className }: { title?: ReactNode; children: ReactNode; actions?: ReactNode; className?: string }) {
  return (
    <section className={"card " + (className ?? "")}>
      {(title || actions) && (
        <header className="card-head">
          <h2>{title}</h2>
          {actions && <div className="actions">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

export function Facts({ rows }: { rows: (readonly [string, ReactNode] | false | undefined | null | "")[] }) {
  return (
    <dl className="facts">
      {rows.map((r) =>
        r ? (
          <div key={r[0]}>
            <dt>{r[0]}</dt>
            <dd>{r[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

// ---- Fields

export function Field({ label, hint, problems, children }: { label: string; hint?: ReactNode; problems?: Problem[]; children: (id: string, wrong: boolean) => ReactNode }) {
  const id = useId();
  const wrong = (problems?.length ?? 0) > 0;
  return (
    <div className={"field" + (wrong ? " wrong" : "")}>
      <label htmlFor={id}>{label}</label>
      {children(id, wrong)}
      {hint && <p className="hint">{hint}</p>}
      {problems?.map((p, i) => (
        <p className="problem" role="alert" key={i}>
          {seen(p.message)}
        </p>
      ))}
    </div>
  );
}

export function Input({ label, value, set, hint, problems, placeholder, type = "text", autoFocus, list, mono }: {
  label: string; value: string; set: (v: string) => void; hint?: ReactNode; problems?: Problem[]; placeholder?: string; type?: string; autoFocus?: boolean; list?: string[]; mono?: boolean;
}) {
  const names = useId();
  return (
    <Field label={label} hint={hint} problems={problems}>
      {(id, wrong) => (
        <>
          <input id={id} className={mono ? "mono" : undefined} type={type} value={value} placeholder={placeholder} aria-invalid={wrong} autoFocus={autoFocus}
            autoComplete="off" spellCheck={false} list={list ? names : undefined} onChange={(e) => set(e.target.value)} />
          {list && (
            <datalist id={names}>
              {list.map((l) => (
                <option key={l} value={l} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

export function Choice({ label, value, set, options, hint, problems }: {
  label: string; value: string; set: (v: string) => void; options: (string | { value: string; text: string; group?: string })[]; hint?: ReactNode; problems?: Problem[];
}) {
  const all = options.map((o) => (typeof o === "string" ? { value: o, text: o, group: undefined } : { group: undefined, ...o }));
  const groups = [...new Set(all.map((o) => o.group))];
  const one = (o: { value: string; text: string }) => (
    <option key={o.value} value={o.value}>
      {o.text}
    </option>
  );
  return (
    <Field label={label} hint={hint} problems={problems}>
      {(id, wrong) => (
        <select id={id} value={value} aria-invalid={wrong} onChange={(e) => set(e.target.value)}>
          {groups.map((g) => {
            const some = all.filter((o) => o.group === g).map(one);
            return g === undefined ? some : <optgroup key={g} label={g}>{some}</optgroup>;
          })}
        </select>
      )}
    </Field>
  );
}

export function Check({ label, value, set, hint }: { label: string; value: boolean; set: (v: boolean) => void; hint?: string }) {
  return (
    <label className="check">
      <input type="checkbox" checked={value} onChange={(e) => set(e.target.checked)} /> <span>{label}</span>
      {hint && <span className="hint">{hint}</span>}
    </label>
  );
}

// ---- Dialogs

/**
 * A dialog. The veil is ours and not the library's, which would write a style into the
 * page to hold it still: the page's policy forbids that.
 */
export function Dialog({ open, close, title, children, wide }: { open: boolean; close: () => void; title: string; children: ReactNode; wide?: boolean }) {
  const { t } = useWords();
  return (
    <RDialog.Root open={open} onOpenChange={(o) => !o && close()}>
      <RDialog.Portal>
        <div className="veil" />
        <RDialog.Content className={"dialog" + (wide ? " wide" : "")} aria-describedby={undefined}>
          <header>
            <RDialog.Title>{title}</RDialog.Title>
            <RDialog.Close className="icon-button" aria-label={t("Close")}>
              <Icon name="close" />
            </RDialog.Close>
          </header>
          <div className="dialog-body">{children}</div>
        </RDialog.Content>
      </RDialog.Portal>
    </RDialog.Root>
  );
}

// ---- What happened, said for a moment

const ToastContext = createContext<(text: string, kind?: "good" | "bad") => void>(() => {});
export const useToast = () => useContext(ToastContext);

export function Toasts({ children }: { children: ReactNode }) {
  const [all, setAll] = useState<{ id: number; text: string; kind: string }[]>([]);
  const next = useRef(0);
  const say = useCallback((text: string, kind: "good" | "bad" = "good") => {
    const id = next.current++;
    setAll((a) => [...a.slice(-3), { id, text, kind }]);
    setTimeout(() => setAll((a) => a.filter((x) => x.id !== id)), kind === "bad" ? 8000 : 4000);
  }, []);
  return (
    <ToastContext value={say}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {all.map((x) => (
          <div key={x.id} className={"toast " + x.kind}>
            {seen(x.text)}
          </div>
        ))}
      </div>
    </ToastContext>
  );
}

/** Does something and says how it went; busy while it is under way. */
export function useDo(): { busy: boolean; error: unknown; clear: () => void; run: <T>(what: () => Promise<T>, then?: (v: T) => void, said?: string) => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const say = useToast();
  const run = useCallback(
    <T,>(what: () => Promise<T>, then?: (v: T) => void, said?: string) => {
      setBusy(true);
      setError(undefined);
      what()
        .then((v) => {
          if (said) say(said);
          then?.(v);
        })
        .catch(setError)
        .finally(() => setBusy(false));
    },
    [say],
  );
  const clear = useCallback(() => setError(undefined), []);
  return useMemo(() => ({ busy, error, run, clear }), [busy, error, run, clear]);
}

/** A sparkline-like meter: how much of what is there. */
export function Meter({ value, of, label }: { value: number; of: number; label: string }) {
  return <meter className="meter" min={0} max={Math.max(1, of)} value={Math.min(value, of)} aria-label={label} />;
}
