// How events look in a list.
import { Link } from "wouter";
import { enc, type FoundEvent } from "../api";
import { useWords } from "../i18n";
import { Table, type Column } from "./table";
import { Shown } from "./text";
import { Badge } from "./ui";

export function EventTable({ events, label, more }: { events: FoundEvent[]; label: string; more?: React.ReactNode }) {
  const { t, time, moment } = useWords();
  const ends = events.some((e) => e.outcome);
  const columns: Column<FoundEvent>[] = [
    { head: t("Time"), by: (e) => e.time, className: "nowrap", cell: (e) => <time dateTime={e.time} title={moment(e.kept ?? e.time)}>{time(e.time)}</time> },
    { head: t("Type"), by: (e) => e.type, cell: (e) => (
      <Link href={`/events/${enc(e.id)}`}>
        <Shown text={e.type} />
      </Link>
    ) },
    { head: t("Conversation"), by: (e) => e.conversation ?? "", cell: (e) => <Shown text={e.conversation} mono most={60} /> },
    { head: t("Who"), by: (e) => e.actor ?? "", cell: (e) => <Shown text={e.actor} most={40} /> },
    { head: t("Source"), by: (e) => e.source, className: "hide-narrow", cell: (e) => <Shown text={e.source} /> },
  ];
  if (ends)
    columns.push({
      head: t("Outcome"), by: (e) => e.outcome ?? "", cell: (e) => <Badge word={e.outcome ?? ""} title={e.endpoints?.map((x) => `${x.endpoint}: ${t(x.outcome)}`).join("\n")} />,
    });
  else columns.push({ head: t("Phase"), by: (e) => e.phase, cell: (e) => <Badge word={e.phase} tone="plain" /> });
  return <Table label={label} rows={events} columns={columns} href={(e) => `/events/${enc(e.id)}`} keyOf={(e, i) => e.id + i} more={more} />;
}
