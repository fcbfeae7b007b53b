import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { moment } from "../../lib/times";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Told } from "../../parts/Told";
import { Status } from "../../ui/Status";
import { Table } from "../../ui/Table";
import { eventsQuery } from "./queries";

const TONES = { INFO: "calm", WARNING: "warn", ERROR: "bad" } as const;

/** What happened to a model, the newest first. */
export function EventsTab({ uid }: { uid: string }) {
  const { t, i18n } = useTranslation();
  const { data, error } = useQuery(eventsQuery(uid));
  const columns = [t("events.when"), t("events.what"), t("events.text"), t("replica.name"), t("events.by")];
  return (
    <>
      {error && <Failure error={error} />}
      {!data && !error && <Loading />}
      {data?.length === 0 && <p>{t("events.none")}</p>}
      {data && data.length > 0 && (
        <Table label={t("models.tabs.events")} columns={columns}>
          {data.toReversed().map((event) => (
            <tr key={event.id}>
              <td>{moment(event.at_ms, i18n.language)}</td>
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
      )}
    </>
  );
}
