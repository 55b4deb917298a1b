import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { enc, plainType, timeline, type Timeline as Told } from "../api";
import { span, useWords } from "../i18n";
import { EventTable } from "../parts/events";
import { Timeline } from "../parts/steps";
import { Body, Copy, curl, seen, Shown } from "../parts/text";
import { Badge, Card, ErrorNote, Facts, Loading, Note, Page } from "../parts/ui";

const open = new Set(["waiting", "retrying"]);

/** What happened to one event, and to its message. */
export function EventPage({ id = "" }: { id?: string }) {
  const { t, moment } = useWords();
  const told = useQuery({
    queryKey: ["timeline", id],
    queryFn: ({ signal }) => timeline(id, signal),
    // It is looked at again for as long as something is to come.
    refetchInterval: (q) => (q.state.data && q.state.data.steps.some((s) => open.has(s.kind)) ? 3000 : false),
  });
  const d = told.data;
  const ev = d?.event;
  const found = d?.found;
  const type = found?.type ?? (ev ? plainType(ev.type) : "");
  const lane = found?.conversation ?? ev?.subject;
  const message = found?.message_id ?? ev?.data?.message?.id;
  const actor = found?.actor ?? ev?.data?.actor?.id;
  return (
    <Page title={d ? <Shown text={type} /> : t("Event")} back={{ href: "/search", text: t("Search") }} actions={d && <Tools d={d} />}>
      <ErrorNote error={told.error} retry={() => void told.refetch()} />
      {told.isPending && <Loading />}
      {d && (
        <>
          {d.words && <Note kind="warn">{seen(d.words)}</Note>}
          {d.lag > 5 && <Note kind="warn">{t("The newest {span} of events are not in the history yet.", { span: span(d.lag) })}</Note>}
          <Card>
            <Facts
              rows={[
                [t("Outcome"), found?.outcome ? <Badge word={found.outcome} /> : <Badge word={ev?.imphase ?? "after"} tone="plain" />],
                [t("Time"), moment(found?.time ?? ev?.time)],
                [t("Conversation"), lane ? <Link href={"/search?conversation=" + enc(lane)}><Shown text={lane} mono /></Link> : "–"],
                [t("Who"), actor ? <Link href={"/search?user=" + enc(actor)}><Shown text={actor} /></Link> : "–"],
                message && [t("Message"), <Link href={"/search?q=" + enc(message)}><Shown text={message} mono /></Link>],
                [t("Event"), <Shown text={found?.id ?? ev?.id ?? id} mono />],
                [t("Source"), found ? <Link href={`/sources/${enc(found.app)}/${enc(found.source)}`}>{found.app}/{found.source}</Link> : <Shown text={ev?.source} />],
                [t("Command"), <Shown text={[found?.dialect ?? ev?.imdialect, ev?.imgeneration, found?.command ?? ev?.imcommand].filter(Boolean).join(" ")} />],
              ]}
            />
          </Card>
          <Card title={t("What happened")}>
            <Timeline steps={d.steps} id={found?.id ?? ev?.id} />
            {d.steps.length > 0 && !d.steps.some((s) => s.endpoint) && ev?.imphase !== "before" && (
              <p className="small faint">{t("No delivery is on record: those that succeed are noted in part (journal.attempts.sample), or no rule picked the event.")}</p>
            )}
          </Card>
          {d.gone && <Note>{seen(d.gone)}</Note>}
          {(d.raw || ev) && (
            <div className="columns">
              {d.raw ? (
                <Card title={t("As it came")}>
                  <p className="small faint">
                    <Shown text={[d.raw.path, d.raw.query && "?" + d.raw.query, d.raw.contentType].filter(Boolean).join(" ")} most={300} mono />
                  </p>
                  <Body text={d.raw.body} name={"raw-" + id} label={d.raw.dialect} />
                </Card>
              ) : (
                <Card title={t("As it came")}>
                  <p className="faint">{t("The wire form is not kept of before-callbacks.")}</p>
                </Card>
              )}
              {ev && (
                <Card title={t("As imhook reads it")}>
                  <p className="small faint">CloudEvents 1.0</p>
                  <Body text={JSON.stringify(ev)} name={"event-" + id} label="JSON" />
                </Card>
              )}
            </div>
          )}
          {d.others && d.others.length > 0 && (
            <Card title={t("Other events of the same message")}>
              <EventTable events={d.others} label={t("Other events of the same message")} />
            </Card>
          )}
        </>
      )}
    </Page>
  );
}

function Tools({ d }: { d: Told }) {
  const { t } = useWords();
  const place = d.found?.source ?? /\/sources\/([^/]+)/.exec(d.event?.source ?? "")?.[1] ?? "";
  if (!d.raw) return null;
  const raw = d.raw;
  return (
    <Copy
      label={t("Copy as curl")}
      text={() =>
        curl({
          url: window.location.origin + "/in/" + place + (raw.path ?? "") + (raw.query ? "?" + raw.query : ""),
          headers: raw.contentType ? { "Content-Type": raw.contentType } : {},
          body: raw.body,
        })
      }
    />
  );
}
