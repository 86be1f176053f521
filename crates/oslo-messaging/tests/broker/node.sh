#!/bin/sh
# A RabbitMQ node for one run: `node.sh DIRECTORY serve`, `node.sh DIRECTORY ctl WORDS…`,
# `node.sh DIRECTORY eval ERLANG`.
#
# DIRECTORY holds everything that it reads and writes. It has to hold a file `ports` with three free
# ports: of AMQP, of the node, of its epmd; `extra.conf`, if there is one, is added to the configuration, and
# `extra.plugins` names plugins, a line that is an Erlang list: `[rabbitmq_auth_mechanism_ssl].`.
# `serve` runs until its standard input ends, and ends both processes by their ids; the node's is in
# `beam.pid`. Everything listens on the loopback only.
#
# The scripts of the distribution's package insist on users that a throwaway node has not; those that
# they call do not.
set -eu
directory=$1
shift
{ read -r amqp; read -r dist; read -r epmd; } < "$directory/ports"
for programs in /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin; do :; done

export HOME="$directory"
export RABBITMQ_NODENAME="node$amqp@localhost"
export RABBITMQ_DIST_PORT="$dist"
export ERL_EPMD_PORT="$epmd"
export ERL_EPMD_ADDRESS=127.0.0.1
# Nobody but `serve` starts an epmd, which would stay.
export ERL_FLAGS="-start_epmd false"
export RABBITMQ_MNESIA_BASE="$directory/data"
export RABBITMQ_LOG_BASE="$directory/log"
export RABBITMQ_PID_FILE="$directory/pid"
export RABBITMQ_ENABLED_PLUGINS_FILE="$directory/plugins"
export RABBITMQ_CONFIG_FILE="$directory/rabbitmq.conf"
export RABBITMQ_CONF_ENV_FILE=/dev/null
# Replaces the shell by the virtual machine, whose id is then known.
export RABBITMQ_ALLOW_INPUT=1
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 2:2"

command=$1
shift
case $command in
ctl)
    exec "$programs/rabbitmqctl" -q --timeout 60 "$@"
    ;;
eval)
    # As rabbitmqctl's, but within milliseconds: that one starts a virtual machine of its own. Each call needs a name of its own.
    said=$(printf '%s\n' "$1" | erl_call -h "eval$$" -sname "$RABBITMQ_NODENAME" -c "$(cat "$HOME/.erlang.cookie")" -e)
    case $said in
    "{ok, "*)
        said=${said#"{ok, "}
        echo "${said%"}"}"
        ;;
    *)
        echo "$said" >&2
        exit 1
        ;;
    esac
    ;;
serve)
    cp "$directory/extra.plugins" "$directory/plugins" 2> /dev/null || echo '[].' > "$directory/plugins"
    cat > "$directory/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$amqp
loopback_users = none
vm_memory_high_watermark.relative = 0.8
disk_free_limit.absolute = 1MB
log.file = node.log
END
    [ ! -e "$directory/extra.conf" ] || cat "$directory/extra.conf" >> "$directory/rabbitmq.conf"
    # The next one may have to wait for the sockets of the one before.
    epmd -port "$epmd" -address 127.0.0.1 -relaxed_command_check > /dev/null 2>&1 < /dev/null &
    map=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        ! epmd -port "$epmd" -names > /dev/null 2>&1 || break
        sleep 0.1
    done
    "$programs/rabbitmq-server" -noinput > "$directory/out" 2>&1 < /dev/null &
    node=$!
    echo "$node" > "$directory/beam.pid"
    cat > /dev/null
    kill "$node" 2> /dev/null || true
    wait "$node" || true
    kill "$map" 2> /dev/null || true
    wait "$map" || true
    ;;
esac
