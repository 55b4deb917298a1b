import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { enc, foundOf, get, post, type CloudEvent, type Source } from "../api";
import { span, useWords } from "../i18n";
import { DefinitionCard } from "../parts/definition";
import { EventTable } from "../parts/events";
import { Table } from "../parts/table";
import { Copy, seen, Shown } from "../parts/text";
import { Act, Badge, Card, Empty, ErrorNote, Facts, Loading, Note, Page, useDo } from "../parts/ui";
import { New } from "./endpoints";

const sourcesQuery = { queryKey: ["sources"], queryFn: ({ signal }: { signal: AbortSignal }) => get<{ sources: Source[] }>("/sources", {}, signal) };

/** Who may call. */
export function SourcesPage() {
  const { t } = useWords();
  const all = useQuery(sourcesQuery);
  return (
    <Page wide title={t("Sources")} actions={<New section="sources" />}>
      <ErrorNote error={all.error} retry={() => void all.refetch()} />
      {all.isPending && <Loading />}
      {all.data?.sources.length === 0 && (
        <Card>
          <Empty icon="sources" title={t("Nobody calls yet")}>
            {t("A source is an IM server that sends callbacks. Define one here, or in the configuration file.")} <Link href="/sources/new">{t("Define a source")}</Link>
          </Empty>
        </Card>
      )}
      {!!all.data?.sources.length && (
        <Table
          label={t("Sources")}
          rows={all.data.sources}
          href={(s) => `/sources/${enc(s.app)}/${enc(s.name)}`}
          keyOf={(s) => `${s.app}/${s.name}`}
          columns={[
            { head: t("Name"), by: (s) => `${s.app}/${s.name}`, cell: (s) => <Link href={`/sources/${enc(s.app)}/${enc(s.name)}`}><Shown text={`${s.app}/${s.name}`} /></Link> },
            { head: t("Dialect"), by: (s) => s.dialect, cell: (s) => <>{s.dialect} <span className="faint small">{s.generation}</span></> },
            { head: t("Path"), className: "wrap", cell: (s) => <code>{seen(s.path)}</code> },
            { head: t("Secrets"), cell: (s) => (s.secrets?.length ? s.secrets.map((x, i) => <Badge key={i} word={x.state} />) : <span className="faint small">{t("unsigned")}</span>) },
            { head: t("Commands"), className: "right", by: (s) => s.commands.length, cell: (s) => s.commands.length },
          ]}
        />
      )}
    </Page>
  );
}

interface Checked {
  command: string;
  unsigned?: string;
  response: { status: number; body: string };
  kept: boolean;
  event?: string;
  endpoints: { endpoint: string; fate: string; detail?: string; status?: number; seconds?: number }[];
  unmatched: string[];
}

/** One source: its address, its commands, what came of late. */
export function SourcePage({ app = "", name = "" }: { app?: string; name?: string }) {
  const { t } = useWords();
  const all = useQuery(sourcesQuery);
  const s = all.data?.sources.find((x) => x.app === app && x.name === name);
  const events = useQuery({
    queryKey: ["events", name],
    queryFn: ({ signal }) => get<{ events: CloudEvent[] }>("/events", { source: name, limit: 10 }, signal),
    refetchInterval: 5000,
  });
  const [told, setTold] = useState<Checked>();
  const { busy, error, run } = useDo();
  const url = s ? window.location.origin + s.path : "";
  return (
    <Page
      title={<Shown text={`${app}/${name}`} />}
      back={{ href: "/sources", text: t("Sources") }}
      actions={
        s && (
          <>
            <Act icon="bolt" busy={busy} onClick={() => run(() => post<Checked>(`/sources/${enc(name)}/check`, { timeoutSeconds: 5 }), setTold)}>
              {t("Check the way")}
            </Act>
            <Link className="button primary" href={"/send?source=" + enc(name)}>{t("Send a test")}</Link>
          </>
        )
      }
    >
      <ErrorNote error={all.error ?? error} />
      {all.isPending && <Loading />}
      {all.data && !s && <Note kind="bad">{t("There is no source {name}.", { name: `${app}/${name}` })}</Note>}
      {told && (
        <Card title={t("A harmless callback, {command}", { command: told.command })}>
          <div className="fields">
            <p>
              {t("The source answered")} <Badge word={String(told.response.status)} tone={told.response.status < 300 ? "good" : "bad"} />{" "}
              {told.event && <Link href={`/events/${enc(told.event)}`}>{t("Open the event")}</Link>}
            </p>
            {told.unsigned && <Note kind="warn">{seen(told.unsigned)}</Note>}
            {told.endpoints.map((e) => (
              <p key={e.endpoint}>
                <Badge word={e.fate} /> <Link href={"/endpoints/" + e.endpoint}><Shown text={e.endpoint} /></Link> {e.status ? <span className="mono">{e.status}</span> : null}{" "}
                <span className="faint small">{e.seconds ? span(e.seconds) : ""} <Shown text={e.detail ?? " "} most={300} /></span>
              </p>
            ))}
            {told.unmatched.length > 0 && <p className="small faint">{t("Their rules do not pick it: {names}", { names: told.unmatched.join(", ") })}</p>}
          </div>
        </Card>
      )}
      {s && (
        <>
          <Card>
            <Facts
              rows={[
                [t("Callback address"), <><code className="prewrap">{seen(url)}</code> {!s.path.includes("<redacted>") && <Copy text={url} />}</>],
                [t("Dialect"), s.dialect],
                [t("Generation"), s.generation ?? "–"],
                ...Object.entries(s.credentials ?? {}).map(([k, v]) => [k, <Shown text={v} mono />] as const),
                !!s.allowFrom?.length && [t("Allowed from"), s.allowFrom.join(", ")],
                !!s.maxAgeSeconds && [t("A signature is valid for"), span(s.maxAgeSeconds)],
                !!s.acceptUnsigned?.length && [t("May come unsigned"), s.acceptUnsigned.join(", ")],
              ]}
            />
            {!s.secrets?.length && <Note kind="warn">{t("This dialect signs nothing here: guard the source with a path token or allow_from.")}</Note>}
          </Card>
          <Card title={t("What came of late")}>
            <ErrorNote error={events.error} />
            {events.data?.events.length === 0 && <Empty title={t("No events yet")}><Link href={"/send?source=" + enc(name)}>{t("Send a test callback")}</Link></Empty>}
            {!!events.data?.events.length && <EventTable label={t("What came of late")} events={events.data.events.map((e) => foundOf(e))} />}
          </Card>
          <Card title={t("{n} commands", { n: s.commands.length })}>
            <Table
              label={t("Commands")}
              rows={s.commands}
              keyOf={(c, i) => c.name + i}
              columns={[
                { head: t("Command"), by: (c) => c.name, cell: (c) => <Link href={`/send?source=${enc(name)}&command=${enc(c.name)}`}><Shown text={c.name} mono /></Link> },
                { head: t("Phase"), by: (c) => c.phase, cell: (c) => <Badge word={c.phase} tone="plain" /> },
                { head: t("Path"), className: "hide-narrow", cell: (c) => <code>{seen(c.path ?? "")}</code> },
                { head: t("About"), className: "wrap small", cell: (c) => <Shown text={c.line} /> },
              ]}
            />
          </Card>
          <DefinitionCard section="sources" app={app} name={name} secrets={s.secrets} />
        </>
      )}
    </Page>
  );
}
