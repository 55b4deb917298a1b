import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { enc, get, type Endpoint } from "../api";
import { rate, span, useWords } from "../i18n";
import { Icon } from "../parts/icon";
import { Table } from "../parts/table";
import { Shown } from "../parts/text";
import { Badge, Card, Empty, ErrorNote, Loading, Page } from "../parts/ui";

export const endpointsQuery = {
  queryKey: ["endpoints"],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<{ endpoints: Endpoint[] }>("/endpoints", {}, signal),
  refetchInterval: 2000,
};

/** Who is told after, and how they are doing. */
export function EndpointsPage() {
  const { t, n } = useWords();
  const all = useQuery(endpointsQuery);
  return (
    <Page wide title={t("Endpoints")} actions={<New section="endpoints" />}>
      <ErrorNote error={all.error} retry={() => void all.refetch()} />
      {all.isPending && <Loading />}
      {all.data?.endpoints.length === 0 && (
        <Card>
          <Empty icon="endpoints" title={t("Nobody is told yet")}>
            {t("An endpoint is an app backend that gets events. Define one here, or in the configuration file.")} <Link href="/endpoints/new">{t("Define an endpoint")}</Link>
          </Empty>
        </Card>
      )}
      {!!all.data?.endpoints.length && (
        <Table
          label={t("Endpoints")}
          rows={all.data.endpoints}
          href={(e) => `/endpoints/${enc(e.app)}/${enc(e.name)}`}
          keyOf={(e) => `${e.app}/${e.name}`}
          columns={[
            { head: t("Name"), by: (e) => `${e.app}/${e.name}`, cell: (e) => <Link href={`/endpoints/${enc(e.app)}/${enc(e.name)}`}><Shown text={`${e.app}/${e.name}`} /></Link> },
            { head: t("State"), by: (e) => e.state, cell: (e) => <Badge word={e.state} title={e.paused} /> },
            { head: t("Backlog"), by: (e) => e.backlog, className: "right", cell: (e) => n(e.backlog) + (e.more ? "+" : "") },
            { head: t("Oldest"), by: (e) => e.oldestAgeSeconds ?? 0, className: "right nowrap", cell: (e) => (e.oldestAgeSeconds ? span(e.oldestAgeSeconds) : "0 s") },
            { head: t("Delivered"), by: (e) => e.deliveredPerSecond ?? 0, className: "right nowrap", cell: (e) => rate(e.deliveredPerSecond) },
            { head: t("In flight"), by: (e) => e.inFlight, className: "right", cell: (e) => n(e.inFlight) },
            { head: t("Parked"), by: (e) => e.parked, className: "right", cell: (e) => (e.parked ? <Link href={`/deadletters?endpoint=${enc(e.app + "/" + e.name)}`}>{n(e.parked)}</Link> : "0") },
            { head: t("Last failure"), className: "wrap", cell: (e) => (e.lastError ? <span className="bad-text small"><Shown text={e.lastError} most={140} /></span> : e.paused ? <span className="small"><Shown text={e.paused} most={140} /></span> : null) },
          ]}
        />
      )}
    </Page>
  );
}

export function New({ section }: { section: string }) {
  const { t } = useWords();
  return (
    <Link className="button" href={`/${section}/new`}>
      <Icon name="plus" />
      <span>{t("New")}</span>
    </Link>
  );
}
