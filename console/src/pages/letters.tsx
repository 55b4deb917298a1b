import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { address, enc, get, plainType, post, type Letter, type LetterGroup } from "../api";
import { useWords } from "../i18n";
import { Icon } from "../parts/icon";
import { Runs } from "../parts/runs";
import { Table } from "../parts/table";
import { Shown } from "../parts/text";
import { Act, Ago, Badge, Card, Dialog, Empty, ErrorNote, Input, Loading, Note, Page, useDo } from "../parts/ui";

interface Groups {
  groups: LetterGroup[];
  letters: number;
  more?: boolean;
}

/** What was set aside: grouped by endpoint and reason, the oldest first. */
export function LettersPage() {
  const { t, n } = useWords();
  const [, go] = useLocation();
  const params = new URLSearchParams(useSearch());
  const endpoint = params.get("endpoint") ?? "";
  const reason = params.get("reason") ?? "";
  const groups = useQuery({ queryKey: ["lettergroups"], queryFn: grouped, refetchInterval: 5000 });
  const shown = groups.data?.groups.filter((g) => (!endpoint || g.endpoint === endpoint) && (!reason || g.reason === reason)) ?? [];
  const narrowed = endpoint || reason;
  return (
    <Page
      wide
      title={t("Dead letters")}
      actions={
        narrowed && (
          <button className="button" onClick={() => go("/deadletters")}>
            {t("All groups")}
          </button>
        )
      }
    >
      <ErrorNote error={groups.error} retry={() => void groups.refetch()} />
      {groups.isPending && <Loading />}
      {groups.data?.groups.length === 0 && (
        <Card>
          <Empty icon="check" title={t("Nothing is set aside")}>
            {t("An event that an endpoint does not take within its retries comes here, with what the endpoint said.")}
          </Empty>
        </Card>
      )}
      {groups.data?.more && <Note kind="warn">{t("There are more than were counted: the groups are of the oldest {n}.", { n: n(groups.data.letters) })}</Note>}
      {shown.length > 0 && (
        <Table
          label={t("Groups of dead letters")}
          rows={shown}
          keyOf={(g) => g.endpoint + " " + g.reason}
          href={(g) => "/deadletters?" + new URLSearchParams({ endpoint: g.endpoint, reason: g.reason }).toString()}
          columns={[
            { head: t("Oldest"), by: (g) => g.oldest, className: "nowrap", cell: (g) => <Ago at={g.oldest} /> },
            { head: t("Endpoint"), by: (g) => g.endpoint, cell: (g) => <Link href={"/deadletters?" + new URLSearchParams({ endpoint: g.endpoint, reason: g.reason }).toString()}><Shown text={g.endpoint} /></Link> },
            { head: t("Reason"), by: (g) => g.reason, cell: (g) => <Badge word={g.reason} tone="bad" /> },
            { head: t("Letters"), by: (g) => g.letters, className: "right", cell: (g) => n(g.letters) },
            { head: t("Newest"), by: (g) => g.newest, className: "nowrap hide-narrow", cell: (g) => <Ago at={g.newest} /> },
            { head: "", className: "right", cell: (g) => <GroupActions g={g} /> },
          ]}
        />
      )}
      <Runs title={t("Requeues and replays")} />
      {narrowed && <LetterList endpoint={endpoint} reason={reason} />}
    </Page>
  );
}

/** The groups, as the gateway counts them. */
async function grouped({ signal }: { signal: AbortSignal }): Promise<Groups> {
  return get<Groups>("/deadletters/groups", {}, signal);
}

function GroupActions({ g }: { g: LetterGroup }) {
  const { t, n } = useWords();
  const client = useQueryClient();
  const [open, setOpen] = useState<"requeue" | "purge">();
  const [count, setCount] = useState<number>();
  const [speed, setSpeed] = useState("");
  const { busy, error, run } = useDo();
  const wish = { endpoint: g.endpoint, reasons: [g.reason] };
  const begin = (what: "requeue" | "purge") => {
    setOpen(what);
    setCount(undefined);
    run(() => post<{ letters?: number; purged?: number }>("/deadletters/" + what, { ...wish, dryRun: true }), (a) => setCount(a.letters ?? a.purged ?? 0));
  };
  const done = () => {
    setOpen(undefined);
    void client.invalidateQueries();
  };
  return (
    <div className="actions">
      <Act icon="again" onClick={() => begin("requeue")}>{t("Requeue")}</Act>
      <a className="icon-button" href={address("/deadletters/export", { endpoint: g.endpoint, reason: g.reason })} download={`deadletters-${g.endpoint.replace("/", "-")}-${g.reason}.ndjson`} aria-label={t("Export")} title={t("Export as CloudEvents, one a line")}>
        <Icon name="download" />
      </a>
      <Act icon="trash" kind="danger" onClick={() => begin("purge")}>{t("Purge")}</Act>
      <Dialog open={open === "requeue"} close={() => setOpen(undefined)} title={t("Requeue to {name}", { name: g.endpoint })}>
        <form className="fields" onSubmit={(e) => {
          e.preventDefault();
          run(() => post("/deadletters/requeue", { ...wish, rate: speed ? Number(speed) : undefined }), done, t("The requeue began"));
        }}>
          <p>{count === undefined ? <Loading /> : <strong>{t("{n} dead letters are delivered again, the oldest first.", { n: n(count) })}</strong>}</p>
          <p className="faint">{t("What is not taken again stays a dead letter.")}</p>
          <Input label={t("At most per second")} type="number" value={speed} set={setSpeed} />
          <ErrorNote error={error} />
          <div className="form-actions">
            <Act type="submit" kind="primary" icon="again" busy={busy} disabled={!count}>{t("Requeue")}</Act>
          </div>
        </form>
      </Dialog>
      <Dialog open={open === "purge"} close={() => setOpen(undefined)} title={t("Purge dead letters of {name}", { name: g.endpoint })}>
        <div className="fields">
          <Note kind="bad">{count === undefined ? "…" : t("{n} dead letters go for good. Export them first, if in doubt.", { n: n(count) })}</Note>
          <ErrorNote error={error} />
          <div className="form-actions">
            <button className="button" onClick={() => setOpen(undefined)}>{t("Leave it")}</button>
            <Act kind="danger" busy={busy} disabled={!count} onClick={() => run(() => post("/deadletters/purge", wish), done, t("They are gone"))}>{t("Purge")}</Act>
          </div>
        </div>
      </Dialog>
    </div>
  );
}

function LetterList({ endpoint, reason }: { endpoint: string; reason: string }) {
  const { t, time } = useWords();
  const found = useInfiniteQuery({
    queryKey: ["letters", endpoint, reason],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => get<{ deadletters: Letter[]; next?: string }>("/deadletters", { endpoint, reason, order: "oldest", limit: 50, after: pageParam }, signal),
    getNextPageParam: (last: { next?: string }) => last.next || undefined,
    refetchInterval: 10_000,
  });
  const all = found.data?.pages.flatMap((p) => p.deadletters) ?? [];
  return (
    <>
      <ErrorNote error={found.error} />
      {found.isPending && <Loading />}
      {found.data && all.length === 0 && <Card><Empty icon="check" title={t("None is left")} /></Card>}
      {all.length > 0 && (
        <Table
          label={t("Dead letters, the oldest first")}
          rows={all}
          keyOf={(l) => l.id}
          href={(l) => `/deadletters/${enc(l.id)}`}
          more={found.hasNextPage && <button className="button" onClick={() => void found.fetchNextPage()}>{t("Newer ones")}</button>}
          columns={[
            { head: t("Set aside"), className: "nowrap", cell: (l) => time(l.at) },
            { head: t("Type"), cell: (l) => <Link href={`/deadletters/${enc(l.id)}`}><Shown text={plainType(l.event?.type ?? "?")} /></Link> },
            { head: t("Conversation"), cell: (l) => <Shown text={l.event?.subject} mono most={60} /> },
            { head: t("Attempts"), className: "right", cell: (l) => l.attempts },
            { head: t("What the endpoint said"), className: "wrap small", cell: (l) => <Shown text={l.detail ?? l.exchange?.response} most={200} /> },
          ]}
        />
      )}
    </>
  );
}

