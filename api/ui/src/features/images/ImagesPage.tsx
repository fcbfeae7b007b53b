import { useMutation } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AskedJob } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { useModelFor } from "../../parts/useModelFor";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import { Tabs } from "../../ui/Tabs";
import { draftOf, type Files, MODES, type Mode, modeOf, NO_FILES } from "./draft";
import { fileAt, filesOf } from "./fetching";
import { Gallery } from "./Gallery";
import styles from "./Images.module.css";
import { RequestForm } from "./RequestForm";
import { useDraft } from "./useDraft";

const route = getRouteApi("/images");

/** Pictures: what a model is asked to draw or to change, and what it has drawn. */
export function ImagesPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const mode = modeOf(search.mode);
  const { models, model, error } = useModelFor(
    ({ model_ability }) => model_ability.includes(MODES[mode].ability),
    search.model,
  );
  const { draft, change } = useDraft(t("images.sample"));
  const [files, setFiles] = useState<Files>(NO_FILES);
  const [filled, setFilled] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const show = (next: Mode, uid: string | undefined) => {
    const { model: _, ...others } = search;
    return navigate({ search: { ...others, mode: next, ...(uid && { model: uid }) }, replace: true });
  };
  const able = models?.find(({ id }) => id === model)?.model_ability;
  const turn = (next: Mode) => show(next, able?.includes(MODES[next].ability) ? model : undefined);
  const take = useMutation({
    mutationFn: async ({ given, act }: { given: () => Promise<Files>; act: () => unknown }) => {
      setFiles(await given());
      setFilled((count) => count + 1);
      await act();
      form.current?.querySelector<HTMLElement>("textarea")?.focus();
    },
  });
  const again = (asked: AskedJob, seed: string | null) => {
    const { model: used } = asked.input;
    const act = () => {
      change(draftOf(asked.input, seed));
      return show(modeOf(asked.kind), typeof used === "string" ? used : undefined);
    };
    take.mutate({ given: () => filesOf(asked), act });
  };
  const edit = (url: string) =>
    take.mutate({
      given: async () => ({ image: await fileAt(url), mask: null }),
      act: () => (mode === "draw" ? turn("edit") : undefined),
    });
  return (
    <Page title={t("nav.page.images")}>
      {error && <Failure error={error} />}
      {take.error && <Failure error={take.error} />}
      <div className={styles.studio}>
        <Card title={t(`images.mode.${mode}`)}>
          <Tabs
            label={t("images.modes")}
            value={mode}
            tabs={(Object.keys(MODES) as Mode[]).map((one) => [one, t(`images.mode.${one}`)] as const)}
            onChange={(next) => void turn(next)}
          >
            <RequestForm
              mode={mode}
              models={models}
              model={model}
              draft={draft}
              files={files}
              filled={filled}
              focus={form}
              onModel={(chosen) => void show(mode, chosen)}
              onDraft={change}
              onFiles={setFiles}
            />
          </Tabs>
        </Card>
        <Gallery after={search.after} onAgain={again} onEdit={edit} />
      </div>
    </Page>
  );
}
