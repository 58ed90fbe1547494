import { AppWindow, CalendarDays, ContactRound, FileText, Folder, KeyRound, LifeBuoy, ListChecks, Mail, MessageSquare, ShieldCheck, Video } from "@lucide/vue";
import type { Component } from "vue";

/** Icons of launcher entries by the names that the API stores. Names that are not here get a window. */
const ICONS: Record<string, Component> = {
  mail: Mail,
  files: Folder,
  calendar: CalendarDays,
  meetings: Video,
  office: FileText,
  chat: MessageSquare,
  contacts: ContactRound,
  tasks: ListChecks,
  passwords: KeyRound,
  help: LifeBuoy,
  administration: ShieldCheck,
};

export const APPLICATION_ICONS: readonly string[] = Object.keys(ICONS).filter((name) => name !== "administration");

export function applicationIcon(name: string | null | undefined): Component {
  return ICONS[name ?? ""] ?? AppWindow;
}

/** Whether there is a sentence about an application of this kind: `launcher.about.<name>`. */
export function isKnownApplication(name: string | null | undefined): name is string {
  return Boolean(name && name in ICONS);
}
