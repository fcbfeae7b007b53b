import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { EventTable } from "../../parts/EventTable";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { eventsQuery } from "./queries";

/** What happened to a model, the newest first. */
export function EventsTab({ uid }: { uid: string }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(eventsQuery(uid));
  return (
    <>
      {error && <Failure error={error} />}
      {!data && !error && <Loading />}
      {data?.length === 0 && <p>{t("events.none")}</p>}
      {data && data.length > 0 && <EventTable label={t("models.tabs.events")} events={data} />}
    </>
  );
}
