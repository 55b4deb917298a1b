// Requeues and replays under way.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { enc, get, post, Refused, type Run } from "../api";
import { useWords } from "../i18n";
import { Table } from "./table";
import { Shown } from "./text";
import { Act, Ago, Badge, Card, ErrorNote, Meter, useDo } from "./ui";

export function Runs({ endpoint, title }: { endpoint?: string; title?: string }) {
  const { t, n } = useWords();
  const client = useQueryClient();
  const { busy, error, run } = useDo();
  const runs = useQuery({
    queryKey: ["runs"],
    queryFn: ({ signal }) => get<{ runs: Run[] }>("/runs", {}, signal),
    refetchInterval: (q) => (q.state.data?.runs.some((r) => r.state === "running" || r.state === "queued") ? 1000 : 5000),
    retry: false,
  });
  const all = (runs.data?.runs ?? []).filter((r) => !endpoint || r.endpoint === endpoint || r.to === endpoint).reverse();
  if (runs.error instanceof Refused && runs.error.status === 404) return null;
  if (all.length === 0) return null;
  return (
    <Card title={title ?? t("Requeues and replays")}>
      <ErrorNote error={error} />
      <Table
        label={t("Requeues and replays")}
        rows={all}
        keyOf={(r) => r.id}
        columns={[
          { head: t("Begun"), cell: (r) => <Ago at={r.createdAt} /> },
          { head: t("Kind"), cell: (r) => t(r.kind) },
          { head: t("Endpoint"), cell: (r) => <Shown text={r.to && r.to !== r.endpoint ? `${r.endpoint} → ${r.to}` : r.endpoint} /> },
          { head: t("State"), cell: (r) => <><Badge word={r.state} /> {r.note && <span className="small faint"><Shown text={r.note} most={160} /></span>}</> },
          { head: t("Delivered"), className: "right", cell: (r) => <>{t("{n} of {all}", { n: n(r.delivered), all: n(r.selected) })}<Meter value={r.delivered + r.parked} of={r.selected} label={t("How far it is")} /></> },
          { head: t("Parked"), className: "right", cell: (r) => n(r.parked) },
          { head: "", className: "right", cell: (r) => r.state === "running" || r.state === "queued" ? <Act busy={busy} onClick={() => run(() => post(`/runs/${enc(r.id)}/cancel`), () => void client.invalidateQueries({ queryKey: ["runs"] }), t("It was ended"))}>{t("End it")}</Act> : null },
        ]}
      />
    </Card>
  );
}
