// One face for three players: heights() of the renditions, choose(height) for good, and the errors that they told of.
const video = document.querySelector("#video");
const errors = [];

const players = {
  async shaka(manifest) {
    const player = new shaka.Player();
    player.addEventListener("error", ({ detail }) => errors.push(`shaka ${detail.code}`));
    await player.attach(video);
    player.configure({ abr: { enabled: false } });
    await player.load(manifest).catch(({ code, data }) => errors.push(`shaka ${code} ${data}`));
    return {
      heights: () => player.getVariantTracks().map((track) => track.height),
      choose: (height) => player.selectVariantTrack(player.getVariantTracks().find((t) => t.height === height), true),
    };
  },

  async dashjs(manifest) {
    const player = dashjs.MediaPlayer().create();
    player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => errors.push(`dash.js ${error.code} ${error.message}`));
    player.updateSettings({
      streaming: { abr: { autoSwitchBitrate: { video: false } }, buffer: { fastSwitchEnabled: true } },
    });
    const ready = new Promise((resolve) => player.on(dashjs.MediaPlayer.events.STREAM_INITIALIZED, resolve));
    player.initialize(video, manifest, false);
    await ready;
    const representations = () => player.getRepresentationsByType("video");
    return {
      heights: () => representations().map((representation) => representation.height),
      choose: (height) =>
        player.setRepresentationForTypeById("video", representations().find((r) => r.height === height).id, true),
    };
  },

  async hls(manifest) {
    const player = new Hls();
    player.on(Hls.Events.ERROR, (_, { details, fatal }) => errors.push(`hls.js ${details}${fatal ? " fatal" : ""}`));
    const parsed = new Promise((resolve) => player.on(Hls.Events.MANIFEST_PARSED, resolve));
    player.loadSource(manifest);
    player.attachMedia(video);
    await parsed;
    return {
      heights: () => player.levels.map((level) => level.height),
      choose: (height) => (player.currentLevel = player.levels.findIndex((level) => level.height === height)),
    };
  },
};

globalThis.open = async (name, manifest) => {
  globalThis.player = await players[name](manifest);
  await video.play();
};
globalThis.errors = errors;
