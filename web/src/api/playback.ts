import { call, path, send, unlessDone } from "./calls.ts";

export interface Playback {
  hls: string;
  session_id: string;
  /** Where this account left the title; 0 or none: at the beginning. */
  resume_seconds?: number;
}

/** A playback session, as notices tell of it. */
export interface PlaybackSession {
  session_id: string;
  state: "PLAYBACK_STATE_PLAYING" | "PLAYBACK_STATE_PAUSED" | "PLAYBACK_STATE_STOPPED";
  position_seconds?: number;
}

export interface Device {
  device_id: string;
  name: string;
  last_used_at?: string;
  /** Playback sessions that are open on it. */
  streams?: number;
}

/** Opens a playback session; `takeOver` ends the oldest one when this is one too many. */
export function play(titleId: string, device: string, deviceId: string, takeOver: boolean): Promise<Playback> {
  const body = { device, device_id: deviceId, take_over: takeOver };
  return call(path`/titles/${titleId}:play`, "POST", body);
}

/** Tells where the player of a session is, and what it did there. */
export type Deed = "pause" | "resume" | "seek" | "report" | "stop";

export function tell(sessionId: string, deed: Deed, position: number): Promise<{ session?: PlaybackSession }> {
  return call(path`/playback/${sessionId}` + `:${deed}`, "POST", { position_seconds: position });
}

/** Ends a session; outlives the page, and matters to nobody if it fails: the session ends by itself then. */
export async function stop(sessionId: string, position: number): Promise<void> {
  const body = { position_seconds: position };
  await send(path`/playback/${sessionId}:stop`, "POST", body).catch(() => undefined);
}

/** Devices on which the account has played, latest use first. */
export async function listDevices(): Promise<Device[]> {
  return (await call<{ devices?: Device[] }>("/account/devices")).devices ?? [];
}

/** Forgets a device, and ends the playback on it. */
export function removeDevice(deviceId: string): Promise<void> {
  return unlessDone(404, call(path`/account/devices/${deviceId}`, "DELETE"));
}
