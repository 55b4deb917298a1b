import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { enc, get, post, type Decision, type Hook } from "../api";
import { span, useWords } from "../i18n";
import { DefinitionCard } from "../parts/definition";
import { DecisionMore } from "../parts/steps";
import { Table } from "../parts/table";
import { seen, Shown } from "../parts/text";
import { Act, Badge, Card, Choice, Empty, ErrorNote, Facts, Loading, Note, Page, useDo } from "../parts/ui";
import { New } from "./endpoints";

const hooksQuery = {
  queryKey: ["hooks"],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<{ hooks: Hook[] }>("/hooks", {}, signal),
  refetchInterval: 3000,
};

/** Who is asked before, in the order in which they are asked. */
export function HooksPage() {
  const { t, n } = useWords();
  const all = useQuery(hooksQuery);
  return (
    <Page wide title={t("Hooks")} actions={<New section="hooks" />}>
      <ErrorNote error={all.error} retry={() => void all.refetch()} />
      {all.isPending && <Loading />}
      {all.data?.hooks.length === 0 && (
        <Card>
          <Empty icon="hooks" title={t("Nobody is asked before: everything is allowed")}>
            {t("A hook sees a message before it is sent, and allows, denies or changes it.")} <Link href="/hooks/new">{t("Define a hook")}</Link>
          </Empty>
        </Card>
      )}
      {!!all.data?.hooks.length && (
        <Table
          label={t("Hooks")}
          rows={all.data.hooks}
          href={(h) => `/hooks/${enc(h.app)}/${enc(h.name)}`}
          keyOf={(h) => `${h.app}/${h.name}`}
          columns={[
            { head: t("Name"), by: (h) => `${h.app}/${h.name}`, cell: (h) => <Link href={`/hooks/${enc(h.app)}/${enc(h.name)}`}><Shown text={`${h.app}/${h.name}`} /></Link> },
            { head: t("State"), by: (h) => h.state, cell: (h) => <Badge word={h.state} tone={h.state === "open" ? "bad" : undefined} /> },
            { head: t("Kind"), by: (h) => h.builtin ?? h.dialect ?? "", cell: (h) => <>{h.builtin ?? h.dialect}{h.words ? ` (${t("{n} words", { n: n(h.words) })})` : ""}</> },
            { head: t("Timeout"), cell: (h) => h.timeout },
            { head: t("Asking"), by: (h) => h.asking, className: "right", cell: (h) => n(h.asking) },
            { head: t("Look here"), className: "wrap", cell: (h) => (h.trouble ? <span className="bad-text small"><Shown text={h.trouble} most={200} /></span> : null) },
          ]}
        />
      )}
    </Page>
  );
}

interface Answered {
  asked: boolean;
  why?: string;
  cause?: string;
  verdict?: string;
  reason?: string;
  detail?: string;
  status?: number;
  seconds: number;
  timeoutSeconds: number;
}

/** One hook: how it is doing, and what it decided. */
export function HookPage({ app = "", name = "" }: { app?: string; name?: string }) {
  const { t, n, time } = useWords();
  const all = useQuery(hooksQuery);
  const h = all.data?.hooks.find((x) => x.app === app && x.name === name);
  const [verdict, setVerdict] = useState("");
  const decided = useQuery({
    queryKey: ["decisions", app, name, verdict],
    queryFn: ({ signal }) => get<{ decisions: Decision[] }>("/decisions", { hook: `${app}/${name}`, verdict, limit: 30 }, signal),
    refetchInterval: 5000,
    retry: false,
  });
  const [answer, setAnswer] = useState<Answered>();
  const { busy, error, run } = useDo();
  return (
    <Page
      title={<Shown text={`${app}/${name}`} />}
      back={{ href: "/hooks", text: t("Hooks") }}
      actions={h && <Act icon="bolt" busy={busy} onClick={() => run(() => post<Answered>(`/hooks/${enc(app)}/${enc(name)}/check`), setAnswer)}>{t("Ask something harmless")}</Act>}
    >
      <ErrorNote error={all.error ?? error} />
      {all.isPending && <Loading />}
      {all.data && !h && <Note kind="bad">{t("There is no hook {name}.", { name: `${app}/${name}` })}</Note>}
      {answer && (
        <Note kind={!answer.asked || answer.cause !== "hook" ? "warn" : "good"}>
          {answer.asked
            ? t("It said {verdict} within {span} of {limit}.", { verdict: t(answer.verdict ?? answer.cause ?? ""), span: span(answer.seconds), limit: span(answer.timeoutSeconds) })
            : t("It is not asked such questions.")}{" "}
          <Shown text={[answer.why, answer.cause !== "hook" ? answer.cause : "", answer.reason, answer.detail].filter(Boolean).join(": ") || " "} most={400} />
        </Note>
      )}
      {h && (
        <>
          {h.trouble && <Note kind="bad">{seen(h.trouble)}</Note>}
          <Card>
            <Facts
              rows={[
                [t("State"), <Badge word={h.state} tone={h.state === "open" ? "bad" : undefined} />],
                [t("Kind"), h.builtin ?? h.dialect ?? "–"],
                [t("Timeout"), h.timeout],
                [t("Asking"), n(h.asking)],
                !!h.words && [t("Words"), n(h.words)],
                h.failure && [t("Last failure"), t(h.failure)],
              ]}
            />
          </Card>
          <Card title={t("What it decided, newest first")} actions={<Choice label={t("Verdict")} value={verdict} set={setVerdict} options={[{ value: "", text: t("any") }, ...["allow", "deny", "rewrite", "drop"].map((v) => ({ value: v, text: t(v) }))]} />}>
            <ErrorNote error={decided.error} />
            {decided.data?.decisions.length === 0 && (
              <Empty title={t("It was not asked yet")}>
                <Link href="/send?source=openim&command=callbackBeforeSendSingleMsgCommand">{t("Send a test callback")}</Link>
              </Empty>
            )}
            <ul className="timeline">
              {decided.data?.decisions.map((d, i) => (
                <li key={i} className={"step " + (d.verdict === "allow" ? "good" : d.verdict === "rewrite" ? "warn" : "bad")}>
                  <div className="step-head">
                    <Badge word={d.verdict} />
                    <Link href={`/events/${enc(d.event.id)}`}><Shown text={d.event.type.replace(/^im\./, "")} /></Link>
                    <Shown text={d.event.subject} mono most={60} />
                    <span className="faint small">{t("took {span}", { span: span(d.tookSeconds) })} · {time(d.at)}</span>
                  </div>
                  <details>
                    <summary>{t("How")}</summary>
                    <DecisionMore d={d} />
                  </details>
                </li>
              ))}
            </ul>
          </Card>
          <DefinitionCard section="hooks" app={app} name={name} secrets={h.secrets} />
        </>
      )}
    </Page>
  );
}
