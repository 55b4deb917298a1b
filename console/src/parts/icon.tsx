// The console's own pictures, drawn with one stroke.
const paths: Record<string, string> = {
  overview: "M4 5h5v5H4zM15 5h5v5h-5zM4 15h5v5H4zM15 15h5v5h-5zM9 7.5h6M9 17.5h6",
  send: "M4 12 20 4l-5 16-4-6.5zM11 13.5 20 4",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20",
  tail: "M4 6h10M4 10h16M4 14h13M4 18h7",
  endpoints: "M14 5h6v6M20 5l-9 9M18 14v5H5V6h5",
  hooks: "M12 3v5M12 8a4 4 0 1 1-4 4M6 4h12M12 16v5",
  sources: "M10 5H4v14h6M9 12h11M16 8l4 4-4 4",
  letters: "M4 6h16v12H4zM4 7l8 6 8-6",
  charts: "M4 19h16M6 16l4-5 4 3 5-8",
  access: "M8 11V8a4 4 0 0 1 8 0v3M6 11h12v9H6zM12 14v3",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M19 14.5A7.5 7.5 0 0 1 9.5 5 7.5 7.5 0 1 0 19 14.5z",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM5 20c.5-4 3.500-6 7-6s6.500 2 7 6",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  check: "M5 13l4.500 4.500L19 7",
  download: "M12 4v11M7.500 11l4.500 4.500 4.500-4.500M5 20h14",
  close: "M6 6l12 12M18 6 6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  chevron: "M9 6l6 6-6 6",
  warn: "M12 4 3 19h18zM12 10v4M12 16.500v.5",
  pause: "M9 5v14M15 5v14",
  play: "M7 5l12 7-12 7z",
  again: "M19 8V4l-3 3a7.500 7.500 0 1 0 3 7",
  plus: "M12 5v14M5 12h14",
  edit: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  key: "M14.500 9.500a4 4 0 1 0-3.500 3.500l1 1h2v2h2v2h3v-3z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  arrow: "M4 12h15M14 7l5 5-5 5",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  inbox: "M4 13l2-8h12l2 8v6H4zM4 13h5a3 3 0 0 0 6 0h5",
  language: "M4 6h9M8.500 4v2M6 6c.5 4 3 6.500 6 8M11 6c-.5 4-3 6.500-7 8M12.500 20 16.500 11l4 9M14 17h5",
  logout: "M14 5H5v14h9M10 12h10M17 9l3 3-3 3",
};

export function Icon({ name, size = 16 }: { name: keyof typeof paths | string; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={paths[name] ?? ""} />
    </svg>
  );
}
