import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { useLocation, useSearch } from "wouter";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { get, Refused, type Charts } from "../api";
import { useWords } from "../i18n";
import { Card, Choice, Empty, ErrorNote, Loading, Note, Page } from "../parts/ui";
import { seen } from "../parts/text";

const colours = ["#0f8a80", "#c2570c", "#3b6fd4", "#a23bb0", "#8a7a00", "#c0392b", "#2e8b57", "#6b5bd0", "#b0306a", "#5a6b7b"];

const plots: { title: string; unit: string; metrics: { metric: string; text: string; dash?: number[] }[] }[] = [
  { title: "Received", unit: "/s", metrics: [{ metric: "received", text: "" }] },
  { title: "Delivered and failed", unit: "/s", metrics: [{ metric: "delivered", text: "" }, { metric: "failed", text: "failed", dash: [4, 3] }] },
  { title: "How long decisions take", unit: "ms", metrics: [{ metric: "decision_p50_ms", text: "p50" }, { metric: "decision_p99_ms", text: "p99", dash: [4, 3] }] },
  { title: "How long deliveries take", unit: "ms", metrics: [{ metric: "delivery_p50_ms", text: "p50" }, { metric: "delivery_p99_ms", text: "p99", dash: [4, 3] }] },
  { title: "Age of the oldest event that waits", unit: "s", metrics: [{ metric: "backlog_age_s", text: "" }] },
];

/** How it went of late. */
export function ChartsPage() {
  const { t, n } = useWords();
  const [, go] = useLocation();
  const params = new URLSearchParams(useSearch());
  const span = params.get("span") ?? "1h";
  const by = params.get("by") ?? "endpoint";
  const found = useQuery({ queryKey: ["charts", span, by], queryFn: ({ signal }) => get<Charts>("/charts", { span, by }, signal), refetchInterval: span === "1h" ? 10_000 : 60_000, retry: false });
  // What comes in and what is decided is counted by type alone.
  const types = useQuery({ queryKey: ["charts", span, "type"], enabled: by !== "type" && found.isSuccess, queryFn: ({ signal }) => get<Charts>("/charts", { span, by: "type" }, signal), refetchInterval: span === "1h" ? 10_000 : 60_000, retry: false });
  const set = (s: string, b: string) => go("/charts?" + new URLSearchParams({ span: s, by: b }).toString(), { replace: true });
  const d = found.data && { ...found.data, series: [...found.data.series, ...(by !== "type" ? (types.data?.series ?? []).filter((s) => !found.data.series.some((x) => x.metric === s.metric)) : [])] };
  const sum = d?.reasons.reduce((s, r) => s + r.count, 0) ?? 0;
  return (
    <Page
      wide
      title={t("Charts")}
      actions={
        <>
          <Choice label={t("Time")} value={span} set={(v) => set(v, by)} options={[{ value: "1h", text: t("the last hour") }, { value: "24h", text: t("the last day") }]} />
          <Choice label={t("By")} value={by} set={(v) => set(span, v)} options={[{ value: "endpoint", text: t("endpoint") }, { value: "type", text: t("type of event") }]} />
        </>
      }
    >
      {found.error instanceof Refused && found.error.status === 404 ? (
        <Note kind="warn">{t("This gateway draws no charts. Its metrics are at /metrics, for Prometheus.")}</Note>
      ) : (
        <ErrorNote error={found.error} retry={() => void found.refetch()} />
      )}
      {found.isPending && <Loading />}
      {d && (
        <div className="charts">
          {plots.map((p) => (
            <Plot key={p.title} d={d} title={t(p.title)} unit={p.unit} metrics={p.metrics.map((m) => ({ ...m, text: m.text && t(m.text) }))} />
          ))}
          <Card title={t("Failures by reason")}>
            {d.reasons.length === 0 ? (
              <Empty icon="check" title={t("None in that time")} />
            ) : (
              <ul className="bars">
                {[...d.reasons].sort((x, y) => y.count - x.count).map((r) => (
                  <li key={r.reason}>
                    <span>{seen(t(r.reason))}</span>
                    <meter min={0} max={sum} value={r.count} aria-label={t("{n} of {all}", { n: r.count, all: sum })} />
                    <span className="right">{n(r.count)}</span>
                  </li>
                ))}
              </ul>
            )}
          </Card>
        </div>
      )}
    </Page>
  );
}

interface Line {
  label: string;
  colour: string;
  dash?: number[];
  points: (number | null)[];
  /** A line goes on where there was nothing to measure. */
  gaps: boolean;
}

/** How many lines one chart has at most: those with the largest values. */
const most = 10;

function Plot({ d, title, unit, metrics }: { d: Charts; title: string; unit: string; metrics: { metric: string; text: string; dash?: number[] }[] }) {
  const { t, n } = useWords();
  const lines = useMemo(() => {
    const names = new Map<string, string>();
    const out: Line[] = [];
    for (const m of metrics)
      for (const s of d.series.filter((x) => x.metric === m.metric)) {
        const of = Object.values(s.labels).join("/") || title;
        if (!names.has(of)) names.set(of, colours[names.size % colours.length]!);
        out.push({ label: [of, m.text].filter(Boolean).join(" "), colour: names.get(of)!, dash: m.dash, points: s.points, gaps: m.metric.endsWith("_ms") });
      }
    const peak = (l: Line) => Math.max(0, ...l.points.map((p) => p ?? 0));
    return out.sort((x, y) => peak(y) - peak(x)).slice(0, most);
  }, [d, metrics, title]);
  const some = lines.some((l) => l.points.some((p) => p !== null && p !== undefined));
  const last = (l: Line) => l.points.findLast((p) => p !== null && p !== undefined);
  return (
    <Card title={<>{title} <span className="faint small">{unit}</span></>}>
      {some ? <Canvas d={d} lines={lines} label={title} /> : <Empty icon="charts" title={t("Nothing in that time")} />}
      {some && (
        <div className="legend">
          {lines.map((l, i) => (
            <span key={i}>
              <Swatch colour={l.colour} /> {seen(l.label)} <span className="faint">{n(last(l) ?? 0, 1)}</span>
            </span>
          ))}
        </div>
      )}
    </Card>
  );
}

function Swatch({ colour }: { colour: string }) {
  return <i aria-hidden="true" ref={(e) => { if (e) e.style.background = colour; }} />;
}

function Canvas({ d, lines, label }: { d: Charts; lines: Line[]; label: string }) {
  const at = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const shape = lines.map((l) => l.label).join("\n") + document.documentElement.dataset.theme;
  const data = useMemo(() => {
    const count = Math.max(0, ...lines.map((l) => l.points.length));
    const from = Date.parse(d.from) / 1000;
    return [Array.from({ length: count }, (_, i) => from + i * d.step_s), ...lines.map((l) => l.points)] as uPlot.AlignedData;
  }, [d, lines]);
  useEffect(() => {
    const box = at.current!;
    const style = getComputedStyle(document.documentElement);
    const soft = style.getPropertyValue("--faint");
    const grid = style.getPropertyValue("--line");
    const axis = { stroke: soft, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "11px system-ui" };
    const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
    plot.current = new uPlot(
      {
        width: box.clientWidth, height: 190, legend: { show: false }, cursor: { y: false }, padding: [8, 8, 0, 0],
        scales: { y: { range: (_u, _min, max) => [0, Math.max(1, (max ?? 0) * 1.1)] } },
        axes: [{ ...axis, values: (_u, at) => at.map((s) => clock.format(s * 1000)) }, { ...axis, size: 48 }],
        series: [{}, ...lines.map((l): uPlot.Series => ({ label: l.label, stroke: l.colour, width: 1.6, dash: l.dash, points: { show: false }, spanGaps: Boolean(l.gaps) }))],
      },
      data,
      box,
    );
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: 190 }));
    resize.observe(box);
    return () => {
      resize.disconnect();
      plot.current?.destroy();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div className="chart" ref={at} role="img" aria-label={label + ": " + lines.map((l) => `${l.label} ${l.points.findLast((p) => p !== null) ?? 0}`).join(", ")} />;
}
