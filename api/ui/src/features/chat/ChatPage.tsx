import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { live } from "../../api/live";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { IconButton } from "../../ui/IconButton";
import { Page } from "../../ui/Page";
import { usePanel } from "../../ui/usePanel";
import styles from "./ChatPage.module.css";
import { HistoryPanel } from "./HistoryPanel";
import { askedOf, chatModels, modelFor } from "./models";
import { TalkView } from "./TalkView";
import { useTalk } from "./useTalk";

const route = getRouteApi("/chat");

/** Conversations with models: those that are kept, the one that goes on, and what it is asked with. */
export function ChatPage() {
  const { t } = useTranslation();
  const { model: named, beside = [], conversation: id } = route.useSearch();
  const navigate = route.useNavigate();
  const models = useQuery(live.models);
  const talk = useTalk(id);
  const list = usePanel("chat.list", "1001px", "1001px");
  const settings = usePanel("chat.settings", "1201px", "1500px");
  const able = chatModels(models.data?.data ?? []);
  const asked = askedOf(modelFor(named, able, talk?.now().conversation), beside);
  const begin = () => void navigate({ search: (before) => ({ ...before, conversation: undefined }) });
  const actions = (
    <div className={styles.actions}>
      <IconButton icon="add" label={t("chat.new")} hasWords onClick={begin} />
      <IconButton
        icon="list"
        label={t("chat.history")}
        hasWords
        aria-expanded={list.isOpen}
        onClick={() => list.onOpen(!list.isOpen)}
      />
      <IconButton
        icon="sliders"
        label={t("chat.panel")}
        hasWords
        aria-expanded={settings.isOpen}
        onClick={() => settings.onOpen(!settings.isOpen)}
      />
    </div>
  );
  return (
    <Page title={t("nav.page.chat")} actions={actions} fills>
      <div className={styles.columns}>
        <HistoryPanel panel={list} current={id} onBegin={begin} />
        {talk ? (
          <TalkView
            key={talk.now().conversation.id}
            talk={talk}
            models={models.data && able}
            failure={models.error}
            asked={asked}
            settings={settings}
            onModels={([model, ...others]) =>
              void navigate({
                search: { conversation: id, model, ...(others.length > 0 && { beside: others }) },
                replace: true,
              })
            }
            onBegin={() =>
              void navigate({
                search: (before) => ({ ...before, conversation: talk.now().conversation.id }),
                replace: true,
              })
            }
          />
        ) : (
          <div className={styles.missing}>
            {models.error && <Failure error={models.error} />}
            {talk === null ? <p>{t("chat.missing")}</p> : <Loading />}
          </div>
        )}
      </div>
    </Page>
  );
}
