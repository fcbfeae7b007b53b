import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import styles from "./ChatPage.module.css";
import { HistoryPanel } from "./HistoryPanel";
import { askedOf, chatModels, modelFor } from "./models";
import { TalkView } from "./TalkView";
import { useTalk } from "./useTalk";

const route = getRouteApi("/chat");

/** Conversations with models. */
export function ChatPage() {
  const { t } = useTranslation();
  const { model: named, beside = [], conversation: id } = route.useSearch();
  const navigate = route.useNavigate();
  const models = useQuery(live.models);
  const talk = useTalk(id);
  const able = chatModels(models.data?.data ?? []);
  const asked = askedOf(modelFor(named, able, talk?.now().conversation), beside);
  const open = (conversation: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, conversation }), resetScroll: false });
  return (
    <Page title={t("nav.page.chat")} actions={<Button onClick={() => open(undefined)}>{t("chat.new")}</Button>}>
      <div className={styles.columns}>
        <HistoryPanel current={id} onOpen={open} />
        <div className={styles.talk}>
          {models.error && <Failure error={models.error} />}
          {talk === undefined && <Loading />}
          {talk === null && <p>{t("chat.missing")}</p>}
          {talk && (
            <TalkView
              key={talk.now().conversation.id}
              talk={talk}
              models={models.data && able}
              asked={asked}
              onModels={([model, ...others]) =>
                void navigate({
                  search: { conversation: id, model, ...(others.length > 0 && { beside: others }) },
                  replace: true,
                  resetScroll: false,
                })
              }
              onBegin={() =>
                void navigate({
                  search: (before) => ({ ...before, conversation: talk.now().conversation.id }),
                  replace: true,
                  resetScroll: false,
                })
              }
            />
          )}
        </div>
      </div>
    </Page>
  );
}
