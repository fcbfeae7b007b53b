import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { ModelEvent } from "../api/types";
import { moment } from "../lib/times";
import { Status } from "../ui/Status";
import { Table } from "../ui/Table";
import { Told } from "./Told";

const TONES = { INFO: "calm", WARNING: "warn", ERROR: "bad" } as const;

interface Props {
  label: string;
  /** The oldest first; they are shown the other way round. */
  events: readonly ModelEvent[];
  /** The models that are there, where events of several are shown: each event names its model. */
  models?: ReadonlySet<string>;
}

/** What happened to a model, or to several: the newest first. */
export function EventTable({ label, events, models }: Props) {
  const { t, i18n } = useTranslation();
  const columns = [
    t("events.when"),
    ...(models ? [t("events.model")] : []),
    t("events.what"),
    t("events.text"),
    t("replica.name"),
    t("events.by"),
  ];
  return (
    <Table label={label} columns={columns}>
      {events.toReversed().map((event) => (
        <tr key={event.id}>
          <td>{moment(event.at_ms, i18n.language)}</td>
          {models && (
            <td>
              <ModelName uid={event.model_uid} isThere={models.has(event.model_uid)} />
            </td>
          )}
          <td>
            <Status tone={TONES[event.event_type]}>{t(`event.${event.kind}`)}</Status>
          </td>
          <td>
            <Told text={event.text} reasons={event.reasons} />
          </td>
          <td>{event.replica_id ?? "–"}</td>
          <td>{event.by ?? "–"}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The model of an event; one that is gone has no page. */
function ModelName({ uid, isThere }: { uid: string; isThere: boolean }) {
  if (!isThere) return uid;
  return (
    <Link to="/models/$uid" params={{ uid }} search={{ tab: "events" }}>
      {uid}
    </Link>
  );
}
