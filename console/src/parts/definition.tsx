// How something is defined, and what an admin may do with it.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { ask, enc, get, post, Refused, type Defined, type Definition as Def, type Secret, type Section } from "../api";
import { useWords } from "../i18n";
import { Icon } from "./icon";
import { Table } from "./table";
import { Body, Copy, seen, Shown } from "./text";
import { Act, Ago, Badge, Card, Choice, Dialog, ErrorNote, Input, Note, useDo } from "./ui";

export function useDefinition(section: Section, app: string, name: string) {
  return useQuery({ queryKey: ["definition", section, app, name], queryFn: ({ signal }) => get<Def>(`/${section}/${enc(app)}/${enc(name)}`, {}, signal), retry: false });
}

/** How it is defined: by whom, and all values in force. */
export function DefinitionCard({ section, app, name, secrets }: { section: Section; app: string; name: string; secrets?: Secret[] }) {
  const { t } = useWords();
  const def = useDefinition(section, app, name);
  const [all, setAll] = useState(false);
  if (def.error instanceof Refused && def.error.status === 404) return null;
  const d = def.data;
  const settings = d?.settings.filter((s) => all || !s.default) ?? [];
  return (
    <>
      <ErrorNote error={def.error} />
      {d && (
        <Card
          title={t("Definition")}
          actions={
            d.origin === "api" ? (
              <>
                <Rotate section={section} app={app} name={name} />
                <Link className="button" href={`/${section}/${enc(app)}/${enc(name)}/edit`}>
                  <Icon name="edit" />
                  <span>{t("Edit")}</span>
                </Link>
                <Remove section={section} app={app} name={name} />
              </>
            ) : undefined
          }
        >
          <div className="fields">
            <p className="small faint">
              {d.origin === "api"
                ? t("Defined here by {who}.", { who: d.changedBy ?? d.createdBy ?? "?" })
                : d.origin === "file"
                  ? t("The configuration file defines it: change it there.")
                  : t("The sandbox has it: it cannot be changed.")}{" "}
              {d.changedAt && <Ago at={d.changedAt} />}
            </p>
            {d.problems && d.problems.length > 0 && (
              <Note kind="bad">
                {t("It is not in force:")}
                {d.problems.map((p, i) => (
                  <div key={i}>
                    <code>{p.key}</code> {seen(p.message)}
                  </div>
                ))}
              </Note>
            )}
            {d.warnings?.map((p, i) => (
              <Note kind="warn" key={i}>
                <code>{p.key}</code> {seen(p.message)}
              </Note>
            ))}
            {d.yaml && <Body text={d.yaml} name={name + ".yaml"} label="YAML" />}
            {d.settings.length > 0 && (
              <>
                <Table
                  label={t("Values in force")}
                  rows={settings}
                  keyOf={(s) => s.key}
                  columns={[
                    { head: t("Key"), by: (s) => s.key, cell: (s) => <code>{seen(s.key)}</code> },
                    { head: t("Value"), className: "wrap", cell: (s) => <Shown text={s.value} mono most={400} /> },
                    { head: "", cell: (s) => (s.default ? <span className="faint small">{t("default")}</span> : null) },
                  ]}
                />
                <p>
                  <button className="link" onClick={() => setAll(!all)}>
                    {all ? t("Without defaults") : t("With defaults")}
                  </button>
                </p>
              </>
            )}
          </div>
        </Card>
      )}
      <Secrets all={secrets} />
    </>
  );
}

export function Secrets({ all }: { all?: Secret[] }) {
  const { t } = useWords();
  if (!all || all.length === 0) return null;
  return (
    <Card title={t("Secrets")}>
      <Table
        label={t("Secrets")}
        rows={all}
        keyOf={(s) => s.key + s.place}
        columns={[
          { head: t("Key"), cell: (s) => <code>{s.key}{all.filter((x) => x.key === s.key).length > 1 ? `[${s.place}]` : ""}</code> },
          { head: t("State"), cell: (s) => <Badge word={s.state} /> },
          { head: t("Valid from"), cell: (s) => (s.from ? <Ago at={s.from} /> : "–") },
          { head: t("Valid until"), cell: (s) => <Until at={s.until} /> },
          { head: t("Last used"), cell: (s) => (s.lastUsed && !s.lastUsed.startsWith("0001") ? <Ago at={s.lastUsed} /> : t("not since the start")) },
        ]}
      />
    </Card>
  );
}

function Until({ at }: { at?: string }) {
  const { moment } = useWords();
  return at && !at.startsWith("0001") ? <time dateTime={at}>{moment(at)}</time> : <>–</>;
}

function Rotate({ section, app, name }: { section: Section; app: string; name: string }) {
  const { t } = useWords();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [secret, setSecret] = useState("");
  const [key, setKey] = useState("secret");
  const [overlap, setOverlap] = useState("24h");
  const [done, setDone] = useState<Defined>();
  const { busy, error, run } = useDo();
  return (
    <>
      <Act least="admin" icon="key" onClick={() => (setOpen(true), setDone(undefined))}>
        {t("Rotate secret")}
      </Act>
      <Dialog open={open} close={() => setOpen(false)} title={t("Rotate the secret of {name}", { name })}>
        {done ? (
          <>
            <Note kind="good">{t("The new secret is in force behind the present one, which stays valid for the overlap.")}</Note>
            {done.secret && (
              <>
                <p>{t("It is shown this once:")}</p>
                <p className="secret-once">{done.secret}</p>
                <Copy label={t("Copy")} text={done.secret} />
              </>
            )}
          </>
        ) : (
          <form
            className="fields"
            onSubmit={(e) => {
              e.preventDefault();
              run(
                () => post<Defined>(`/${section}/${enc(app)}/${enc(name)}/rotate`, { secret: secret || undefined, key, overlap }),
                (d) => {
                  setDone(d);
                  setSecret("");
                  void client.invalidateQueries();
                },
              );
            }}
          >
            <p>{t("The new secret stands behind the present one: what comes in may have either, what goes out has the present one until the overlap ends.")}</p>
            {section === "sources" && <Choice label={t("What")} value={key} set={setKey} options={[{ value: "secret", text: t("the dialect's secret") }, { value: "path_token", text: t("the path token") }]} />}
            <Input label={t("New secret")} type="password" value={secret} set={setSecret} hint={t("Left empty, the gateway makes one where the dialect allows it.")} />
            <Input label={t("Overlap")} value={overlap} set={setOverlap} hint="24h, 7d" />
            <ErrorNote error={error} />
            <div className="form-actions">
              <Act least="admin" type="submit" kind="primary" busy={busy}>
                {t("Rotate")}
              </Act>
            </div>
          </form>
        )}
      </Dialog>
    </>
  );
}

function Remove({ section, app, name }: { section: Section; app: string; name: string }) {
  const { t } = useWords();
  const client = useQueryClient();
  const [, go] = useLocation();
  const [open, setOpen] = useState(false);
  const [plan, setPlan] = useState<Defined>();
  const { busy, error, run } = useDo();
  const path = `/${section}/${enc(app)}/${enc(name)}`;
  return (
    <>
      <Act
        least="admin"
        icon="trash"
        kind="danger"
        onClick={() => {
          setOpen(true);
          setPlan(undefined);
          run(() => ask<Defined>("DELETE", path, { params: { dry_run: 1 } }), setPlan);
        }}
      >
        {t("Delete")}
      </Act>
      <Dialog open={open} close={() => setOpen(false)} title={t("Delete {name}?", { name: `${app}/${name}` })}>
        {plan && <Plan plan={plan} />}
        <ErrorNote error={error} />
        <div className="form-actions">
          <button className="button" onClick={() => setOpen(false)}>
            {t("Leave it")}
          </button>
          <Act
            least="admin"
            kind="danger"
            busy={busy}
            disabled={!plan || plan.problems.length > 0}
            onClick={() =>
              run(
                () => ask("DELETE", path),
                () => {
                  void client.invalidateQueries();
                  go("/" + section);
                },
                t("It was deleted"),
              )
            }
          >
            {t("Delete")}
          </Act>
        </div>
      </Dialog>
    </>
  );
}

/** What a change would do. */
export function Plan({ plan }: { plan: Defined }) {
  const { t } = useWords();
  return (
    <div className="fields">
      {plan.problems.map((p, i) => (
        <Note kind="bad" key={"p" + i}>
          {p.line ? <span className="faint">{t("line {n}", { n: p.line })} </span> : null}
          {p.key && <code>{seen(p.key)}</code>} {seen(p.message)}
        </Note>
      ))}
      {plan.warnings?.map((p, i) => (
        <Note kind="warn" key={"w" + i}>
          {p.key && <code>{seen(p.key)}</code>} {seen(p.message)}
        </Note>
      ))}
      {plan.problems.length === 0 && plan.changes?.map((c, i) => <p key={"c" + i} className="small">{seen(c.text)}{c.restart ? " " + t("(after a restart)") : ""}</p>)}
      {plan.problems.length === 0 && plan.effects?.map((e, i) => <Note key={"e" + i}><strong><Shown text={e.endpoint} /></strong> {seen(e.text)}</Note>)}
    </div>
  );
}

/** Lines that go and lines that come. */
export function LineDifference({ before, after }: { before: string; after: string }) {
  const a = before.split("\n");
  const b = after.split("\n");
  const rest = new Map<string, number>();
  for (const l of b) rest.set(l, (rest.get(l) ?? 0) + 1);
  const gone = new Set<number>();
  a.forEach((l, i) => {
    const n = rest.get(l) ?? 0;
    if (n > 0) rest.set(l, n - 1);
    else gone.add(i);
  });
  const have = new Map<string, number>();
  for (const l of a) have.set(l, (have.get(l) ?? 0) + 1);
  const come = b.map((l) => {
    const n = have.get(l) ?? 0;
    have.set(l, n - 1);
    return n <= 0;
  });
  return (
    <pre className="yaml-diff" tabIndex={0}>
      {a.map((l, i) => (gone.has(i) ? <span className="was" key={"a" + i}>{"- " + l + "\n"}</span> : null))}
      {b.map((l, i) => <span className={come[i] ? "is" : ""} key={"b" + i}>{(come[i] ? "+ " : "  ") + l + "\n"}</span>)}
    </pre>
  );
}
