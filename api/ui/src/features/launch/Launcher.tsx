import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useRef } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { live } from "../../api/live";
import { Failure } from "../../parts/Failure";
import { FaultOf } from "../../parts/FaultOf";
import { useLaunch } from "../../parts/useLaunch";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { AsLaunch } from "./AsLaunch";
import { Blockade } from "./Blockade";
import { blockedBy, isOfLaunch } from "./blocked";
import { ContextChart } from "./ContextChart";
import { mayTry } from "./cascade";
import { contextNameOf } from "./contexts";
import type { Draft } from "./draft";
import { EngineOptions } from "./EngineOptions";
import { Estimate } from "./Estimate";
import { Folded } from "./Folded";
import { Further } from "./Further";
import { isOwn, isSeen, othersOf } from "./fields";
import styles from "./Launch.module.css";
import { Others } from "./Others";
import { optionsOf } from "./options";
import { Paste } from "./Paste";
import { Progress } from "./Progress";
import { optionsQuery } from "./queries";
import { SavedForms } from "./SavedForms";
import { draftIn, type LaunchSearch } from "./search";
import { useAddress } from "./useAddress";
import { useForm } from "./useForm";
import { What } from "./What";

/** The form of a launch, what it would need, and how far it is. What was typed stays, whatever becomes of it. */
export function Launcher({ search }: { search: LaunchSearch }) {
  const { t } = useTranslation();
  const form = useForm(draftIn(search));
  const { body, draft, set, engine, type, isReady } = form;
  const show = useAddress(search, draft, form.replace);
  const button = useRef<HTMLButtonElement>(null);
  const progress = useRef<HTMLElement>(null);
  const launch = useLaunch(async (uid) => {
    await show(uid);
    progress.current?.focus();
  });
  const blockade = useId();
  const models = useQuery(live.models);
  const schema = useQuery({ ...optionsQuery(engine, type), enabled: engine !== "" });
  const options = (schema.data ? optionsOf(schema.data) : []).filter((one) => !isOwn(one.name));
  const error = launch.error ?? (isReady ? form.estimate.error : form.model.error);
  const fault = (name: string) => {
    const isIt =
      error instanceof ApiError && (error.param === name || (error.param === "name" && name === "model_name"));
    return isIt ? <FaultOf error={error} /> : null;
  };
  const change = (changes: Draft) => {
    launch.reset();
    set(changes);
  };
  const fill = (filled: Draft) => {
    launch.reset();
    form.replace(filled);
  };
  const others = schema.data
    ? othersOf(
        draft,
        options.map((one) => one.name),
      )
    : [];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady && !launch.isPending && !blocked) launch.mutate(body);
  };
  const shows = (param: string) =>
    isSeen(param, draft, [
      ...options.map((one) => one.name),
      ...others,
      ...form.steps.filter((step) => step.options.length > 0).map((step) => step.level),
      ...(form.atPlace ? ["model_engine", "model_type"] : []),
    ]);
  const refusal = form.isFresh && form.estimate.error instanceof ApiError ? form.estimate.error : null;
  const { placement } = form.estimate.data ?? {};
  const blocked = isReady
    ? blockedBy({
        uid: String(body["model_uid"] ?? body.model_name),
        models: models.data?.data ?? [],
        isOut: Boolean(form.model.data?.unserved) || (form.way !== undefined && !mayTry(form.way)),
        error: refusal && isOfLaunch(refusal.param, draft["model_path"]) ? refusal : null,
        shows,
        hasNoRoom: form.isFresh && placement?.state === "refused" && draft["load_on_request"] !== "true",
      })
    : null;
  const isAtField = launch.error instanceof ApiError && launch.error.param !== null && shows(launch.error.param);
  const close = () => {
    void show(undefined);
    button.current?.focus();
  };
  const place = (form.atPlace ? draft["model_path"] : form.model.data?.name) ?? "";
  const contextName = contextNameOf(options);
  const hasContext = form.estimate.data?.devices.some((one) => one.needs.context_length !== null);
  const fields = { draft, set: change, fault };
  return (
    <>
      {search.launched && <Progress key={search.launched} uid={search.launched} focus={progress} onClose={close} />}
      <form className={styles.columns} onSubmit={submit}>
        <div className={styles.column}>
          <Card title={t("launch.what")}>
            <What form={form} onFill={fill} {...fields} />
            {others.length > 0 && <Others names={others} onDrop={form.drop} {...fields} />}
          </Card>
          <Further {...fields} />
          {engine && (
            <EngineOptions
              key={engine}
              engine={engine}
              options={options}
              error={schema.error}
              again={() => void schema.refetch()}
              {...fields}
            />
          )}
        </div>
        <div className={styles.side}>
          <Card title={t("launch.needs")}>
            <Estimate
              form={form}
              contextName={contextName}
              told={
                blocked !== null || search.launched !== undefined || (refusal?.param != null && shows(refusal.param))
              }
            />
            {blocked && (
              <Blockade id={blockade} blocked={blocked} error={refusal} onUid={(uid) => change({ model_uid: uid })} />
            )}
            {launch.error && !blocked && <Failure error={launch.error} isSaid={isAtField} />}
            <div className={styles.row}>
              <Button
                ref={button}
                type="submit"
                look="primary"
                disabled={!isReady}
                aria-disabled={launch.isPending || blocked !== null}
                aria-describedby={blocked ? blockade : undefined}
              >
                {t("launch.launch")}
              </Button>
            </div>
          </Card>
          {contextName && hasContext && (
            <Folded title={t("launch.contexts")}>
              <ContextChart
                body={body}
                most={form.model.data?.context_length ?? null}
                onPick={(tokens) => change({ [contextName]: String(tokens) })}
              />
            </Folded>
          )}
          {isReady && <SavedForms key={place} model={place} draft={draft} onFill={fill} />}
          <Paste onFill={fill} />
          {isReady && <AsLaunch body={body} />}
        </div>
      </form>
    </>
  );
}
