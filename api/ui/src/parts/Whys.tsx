import { Fragment } from "react";
import type { ModelUnderway } from "../api/types";
import { Told } from "./Told";
import { reasonsOf } from "./underway";

/** Why a model waits or failed, each reason of its replicas once. */
export function Whys({ model }: { model: ModelUnderway | undefined }) {
  return reasonsOf(model).map((one, at) => (
    <Fragment key={one.info}>
      {at > 0 && " "}
      <Told text={one.info} reasons={one.reasons} />
    </Fragment>
  ));
}
