# build.bash - sourced by ./run and ./test: a Meson build folder made or made good again, quiet unless it fails, with progress.

# run_quietly LABEL LOG COMMAND... - the command's output goes to LOG; its last "[n/m]" is shown (on a terminal in place, else
# every 10 seconds). On failure the log's end is printed and the command's status returned.
run_quietly() {
    local label=$1 log=$2 pid status=0 step shown="" seconds=0
    shift 2
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.5
        seconds=$((seconds + 1))
        step=$(tail -c 4096 "$log" 2>/dev/null | grep -aoE '^\[[0-9]+/[0-9]+\]' | tail -n 1 || true)
        if [[ -t 2 ]]; then
            printf '\r%s %s ' "$label" "$step" >&2
        elif ((seconds % 20 == 0)) && [[ $step != "$shown" || $((seconds % 120)) == 0 ]]; then
            printf '%s %s\n' "$label" "$step" >&2
            shown=$step
        fi
    done
    wait "$pid" || status=$?
    trap - INT TERM
    [[ -t 2 ]] && printf '\r\033[K' >&2
    if ((status != 0)); then
        printf '%s failed:\n' "$label" >&2
        tail -n 60 "$log" >&2
    fi
    return "$status"
}

# build_folder FOLDER MESON-OPTION... - configures when needed (new, moved, other options, half made) and builds everything.
build_folder() {
    local folder=$1 wanted
    shift
    wanted="$PWD ${CC:-cc} $*"
    mkdir -p "$folder"
    if [[ ! -e $folder/build.ninja || $(cat "$folder/.configured" 2>/dev/null) != "$wanted" ]]; then
        find "$folder" -mindepth 1 -delete
        run_quietly "Configuring $folder" "$folder.log" meson setup "$folder" "$@" || return 1
        mv "$folder.log" "$folder/configure.log"
        printf '%s' "$wanted" >"$folder/.configured"
    fi
    run_quietly "Building $folder" "$folder/build.log" ninja -C "$folder"
}
