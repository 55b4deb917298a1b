import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { useLocation } from "wouter";
import { parseDocument, type Document } from "yaml";
import { ask, enc, get, Refused, type Defined, type Endpoint, type Problem, type Section, type Source } from "../api";
import { useWords } from "../i18n";
import { LineDifference, useDefinition, Plan } from "../parts/definition";
import { RuleTest } from "../parts/rule";
import { Act, Card, Check, Choice, ErrorNote, Field, Input, Loading, may, Note, Page, useDo, useMe } from "../parts/ui";

const dialects = ["openim", "wildfirechat", "rongcloud", "tencent", "easemob", "cloudevents"];
const secretOf: Record<string, string[]> = {
  openim: [], wildfirechat: [], rongcloud: ["app_key", "app_secret"], tencent: ["sdk_app_id", "token"], easemob: ["app_key", "secret"], cloudevents: ["secret"],
};
const hidden = new Set(["app_secret", "token", "secret", "path_token"]);

const blank: Record<Section, string> = {
  endpoints: "url: https://\ndialect: cloudevents\nevents:\n  - \"**\"\n",
  hooks: "url: https://\ndialect: cloudevents\nevents:\n  - message.send\ntimeout: 500ms\non_error: allow\n",
  sources: "dialect: openim\n",
};

/** Makes or changes a definition: fields on one side, its YAML on the other. */
export function EditPage({ section: given = "", app: ofApp, name: ofName }: { section?: string; app?: string; name?: string }) {
  const { t } = useWords();
  const me = useMe();
  const section = given as Section;
  const known = section in blank;
  const existing = ofApp !== undefined && ofName !== undefined;
  const def = useDefinition(section, ofApp ?? "", ofName ?? "");
  const title = existing ? t("Edit {name}", { name: `${ofApp}/${ofName}` }) : section === "sources" ? t("New source") : section === "hooks" ? t("New hook") : t("New endpoint");
  const back = existing ? { href: `/${section}/${enc(ofApp)}/${enc(ofName)}`, text: `${ofApp}/${ofName}` } : { href: "/" + section, text: t(section === "sources" ? "Sources" : section === "hooks" ? "Hooks" : "Endpoints") };
  if (!known) return <Page title={t("There is no such page")}>{null}</Page>;
  if (existing && def.isPending) return <Page title={title} back={back}><Loading /></Page>;
  return (
    <Page wide title={title} back={back}>
      {!may(me, "admin") && <Note kind="warn">{t("This needs the role {role}; you are {mine}.", { role: t("admin"), mine: t(me.role) })}</Note>}
      {existing && def.error ? <ErrorNote error={def.error} /> : null}
      {existing && def.data && def.data.origin !== "api" ? (
        <Note kind="warn">{def.data.origin === "file" ? t("The configuration file defines it: change it there.") : t("The sandbox has it: it cannot be changed.")}</Note>
      ) : (
        <Editor section={section} app={ofApp} name={ofName} begin={existing ? (def.data?.yaml ?? "") : blank[section]} />
      )}
    </Page>
  );
}

type Path = (string | number)[];

function text(doc: Document, path: Path): string {
  const v = doc.getIn(path) as unknown;
  return v === undefined || v === null || typeof v === "object" ? "" : String(v);
}

function list(doc: Document, path: Path): string {
  const v = (doc.toJS() ?? {}) as Record<string, unknown>;
  let at: unknown = v;
  for (const p of path) at = (at as Record<string, unknown> | undefined)?.[p as string];
  return Array.isArray(at) ? at.join(", ") : at === undefined || at === null ? "" : String(at);
}

function Editor({ section, app: ofApp, name: ofName, begin }: { section: Section; app?: string; name?: string; begin: string }) {
  const { t } = useWords();
  const client = useQueryClient();
  const [, go] = useLocation();
  const [app, setApp] = useState(ofApp ?? "");
  const [name, setName] = useState(ofName ?? "");
  const [yaml, setYAML] = useState(begin);
  const [plan, setPlan] = useState<Defined>();
  const [wrong, setWrong] = useState<unknown>();
  const saving = useDo();
  const doc = useMemo(() => parseDocument(yaml), [yaml]);
  const places = useQuery({
    queryKey: ["places"],
    queryFn: async ({ signal }) => {
      const [s, e] = await Promise.all([get<{ sources: Source[] }>("/sources", {}, signal), get<{ endpoints: Endpoint[] }>("/endpoints", {}, signal)]);
      return { apps: [...new Set([...s.sources, ...e.endpoints].map((x) => x.app))], sources: s.sources };
    },
  });
  useEffect(() => {
    if (!app && places.data?.apps.length === 1) setApp(places.data.apps[0]!);
  }, [places.data, app]);
  const path = `/${section}/${enc(app)}/${enc(name)}`;

  // What is written is looked at by the gateway while it is written.
  useEffect(() => {
    if (!app || !name) return;
    const stop = new AbortController();
    const wait = setTimeout(() => {
      ask<Defined>("PUT", path, { yaml, params: { dry_run: 1 }, signal: stop.signal })
        .then((p) => (setPlan(p), setWrong(undefined)))
        .catch((e: unknown) => {
          if (stop.signal.aborted) return;
          setPlan(undefined);
          setWrong(e);
        });
    }, 350);
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [path, yaml, app, name]);

  const said: Problem[] = plan?.problems ?? (wrong instanceof Refused ? wrong.problems : []);
  const fields: string[] = [];
  const about = (key: string): Problem[] => {
    fields.push(key);
    return said.filter((p) => p.key === key || p.key?.startsWith(key + "[") || p.key?.startsWith(key + "."));
  };
  const put = (at: Path, v: unknown) => {
    const next = parseDocument(yaml);
    if (next.errors.length > 0) return;
    if (!next.contents) next.contents = next.createNode({}) as never;
    if (v === "" || v === undefined || (Array.isArray(v) && v.length === 0)) next.deleteIn(at);
    else next.setIn(at, Array.isArray(v) || typeof v === "object" ? next.createNode(v) : v);
    setYAML(next.toString({ lineWidth: 0 }));
  };
  const one = (label: string, key: string, more: { hint?: ReactNode; placeholder?: string; number?: boolean } = {}) => (
    <Input label={label} value={text(doc, key.split("."))} problems={about(key)} hint={more.hint} placeholder={more.placeholder} mono
      set={(v) => put(key.split("."), more.number && /^\d+$/.test(v) ? Number(v) : v)} />
  );
  const many = (label: string, key: string, more: { hint?: ReactNode; placeholder?: string } = {}) => (
    <Listed key={key} label={label} value={list(doc, [key])} problems={about(key)} hint={more.hint} placeholder={more.placeholder} set={(v) => put([key], v)} />
  );
  const pick = (label: string, key: string, options: (string | { value: string; text: string })[], hint?: string) => (
    <Choice label={label} value={text(doc, key.split("."))} problems={about(key)} hint={hint} options={options} set={(v) => put(key.split("."), v)} />
  );
  const dialect = text(doc, ["dialect"]);
  const save = () =>
    saving.run(
      () => ask<Defined>("PUT", path, { yaml }),
      () => {
        void client.invalidateQueries();
        go(`/${section}/${enc(app)}/${enc(name)}` + (section === "endpoints" ? "?tab=definition" : ""));
      },
      t("It is in force"),
    );
  const creds = secretOf[dialect] ?? [];
  const form = (
    <div className="fields two">
      {section !== "sources" && one(t("URL"), "url", { placeholder: "https://backend.example/callback", hint: t("Private addresses need egress.allow of the configuration file.") })}
      {pick(t("Dialect"), "dialect", [{ value: "", text: "–" }, ...dialects], section === "sources" ? t("How the IM server speaks.") : t("In whose language it is told."))}
      {section !== "sources" && many(t("Events"), "events", { placeholder: "message.*, group.**", hint: t("Patterns, with commas between.") })}
      {section !== "sources" && many(t("Sources"), "sources", { hint: t("Only events of these; empty is all of the app.") })}
      {section === "endpoints" && (
        <>
          {pick(t("Order"), "order", [{ value: "", text: t("conversation (default)") }, "conversation", "strict", "none"])}
          {one(t("Timeout"), "timeout", { placeholder: "5s" })}
          {one(t("At once"), "concurrency", { placeholder: "32", number: true })}
          {one(t("Rate"), "rate", { placeholder: "500/s" })}
          {one(t("Begins at"), "start", { placeholder: "now", hint: t("now, beginning, a time, or how long ago.") })}
          {one(t("Retry for"), "retry.max_age", { placeholder: "72h" })}
          {pick(t("When an event is not taken"), "on_poison", [{ value: "", text: t("park (default)") }, "park", "block"])}
        </>
      )}
      {section === "hooks" && (
        <>
          {one(t("Timeout"), "timeout", { placeholder: "500ms" })}
          {(["on_timeout", "on_error", "on_bad_reply", "on_overload"] as const).map((k) => (
            <div key={k}>{pick(k, k, [{ value: "", text: t("allow (default)") }, "allow", "deny"])}</div>
          ))}
          {one(t("Canary"), "canary", { placeholder: "5%" })}
        </>
      )}
      {section === "sources" && (
        <>
          {one(t("Generation"), "generation", { placeholder: "auto" })}
          {one(t("Answer within"), "deadline", { placeholder: "5s" })}
          {many(t("Allowed from"), "allow_from", { placeholder: "10.0.0.0/8" })}
          <Input label="credentials.path_token" type="password" value={text(doc, ["credentials", "path_token"])} problems={about("credentials.path_token")} set={(v) => put(["credentials", "path_token"], v)} hint={t("A secret part of the address, at least 12 characters.")} />
        </>
      )}
      {creds.map((k) => (
        <Input key={k} label={"credentials." + k} type={hidden.has(k) ? "password" : "text"} value={text(doc, ["credentials", k])} problems={about("credentials." + k)} set={(v) => put(["credentials", k], v)}
          hint={hidden.has(k) ? t("It is written and never shown again. <redacted> leaves it as it is.") : undefined} />
      ))}
      {section === "hooks" && <Check label={t("Shadow: asked, and counts for nothing")} value={text(doc, ["shadow"]) === "true"} set={(v) => put(["shadow"], v ? true : undefined)} />}
    </div>
  );
  const elsewhere = said.filter((p) => !p.key || !fields.some((f) => p.key === f || p.key!.startsWith(f + "[") || p.key!.startsWith(f + ".")));
  const readable = doc.errors.length === 0;
  return (
    <div className="columns">
      <form
        className="fields"
        onSubmit={(e) => {
          e.preventDefault();
          save();
        }}
      >
        <Card>
          <div className="fields">
            {ofName === undefined && (
              <div className="fields two">
                <Input label={t("App")} value={app} set={setApp} list={places.data?.apps} />
                <Input label={t("Name")} value={name} set={setName} autoFocus hint={section === "sources" ? t("It stands in the callback address, /in/{name}.", { name: name || "…" }) : undefined} />
              </div>
            )}
            {readable ? form : <Note kind="bad">{t("The YAML cannot be read: {why}", { why: doc.errors[0]!.message.split("\n")[0]! })}</Note>}
            {section !== "sources" && readable && (
              <Field label={t("Condition (when)")} problems={about("when")} hint={t("In CEL, over event: event.message.kind == \"text\"")}>
                {(id, bad) => <textarea id={id} rows={2} aria-invalid={bad} value={text(doc, ["when"])} spellCheck={false} onChange={(e) => put(["when"], e.target.value)} />}
              </Field>
            )}
            {wrong && !(wrong instanceof Refused && wrong.problems.length > 0) ? <ErrorNote error={wrong} /> : null}
            <ErrorNote error={saving.error} />
            <div className="form-actions">
              <button type="button" className="button" onClick={() => window.history.back()}>
                {t("Leave it")}
              </button>
              <Act least="admin" type="submit" kind="primary" busy={saving.busy} disabled={!app || !name || !plan || plan.problems.length > 0}>
                {ofName === undefined ? t("Create") : t("Save")}
              </Act>
            </div>
          </div>
        </Card>
        {section === "endpoints" && readable && (
          <Card title={t("Would an event match?")}>
            <RuleTest edit app={app || undefined} events={list(doc, ["events"]).split(", ").filter(Boolean)} sources={list(doc, ["sources"]).split(", ").filter(Boolean)} when={text(doc, ["when"])} />
          </Card>
        )}
      </form>
      <div className="fields">
        <Card title="YAML">
          <Field label={t("All keys of the configuration file can be written here.")} problems={elsewhere.map((p) => ({ ...p, message: [p.line ? t("line {n}", { n: p.line }) : "", p.key, p.message].filter(Boolean).join(": ") }))}>
            {(id, bad) => <textarea id={id} rows={Math.min(28, Math.max(12, yaml.split("\n").length + 1))} aria-invalid={bad} value={yaml} spellCheck={false} onChange={(e) => setYAML(e.target.value)} />}
          </Field>
        </Card>
        {plan && (
          <Card title={t("What it changes")}>
            {plan.before && plan.yaml && <LineDifference before={plan.before} after={plan.yaml} />}
            <Plan plan={{ ...plan, problems: [] }} />
            {!plan.before && !plan.changes?.length && !plan.effects?.length && <p className="faint small">{said.length ? t("Nothing, until what is marked is mended.") : t("Nothing.")}</p>}
          </Card>
        )}
      </div>
    </div>
  );
}

/** A list in one field; it keeps what is typed until the list changes elsewhere. */
function Listed({ label, value, set, hint, problems, placeholder }: { label: string; value: string; set: (v: string[]) => void; hint?: ReactNode; problems?: Problem[]; placeholder?: string }) {
  const [draft, setDraft] = useState(value);
  const norm = (s: string) => s.split(",").map((x) => x.trim()).filter(Boolean);
  useEffect(() => {
    if (norm(draft).join(", ") !== value) setDraft(value);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [value]);
  return <Input label={label} value={draft} problems={problems} hint={hint} placeholder={placeholder} mono set={(v) => (setDraft(v), set(norm(v)))} />;
}
