# bash completion of hoopctl                                                              -*- shell-script -*-

_hoopctl_commands() {
  case $1 in
    '') echo 'login logout whoami targets connect run proxy ssh-config requests resume sessions policy gateway agent doctor' ;;
    targets) echo 'list show' ;;
    requests) echo 'list show wait approve reject' ;;
    sessions) echo 'list show export replay verify upload pending kill' ;;
    gateway) echo 'init serve user role target agent ssh-ca audit' ;;
    'gateway role') echo 'list explain' ;;
    'gateway target') echo 'list check scan-host-key' ;;
    'gateway user') echo 'add password list disable enable remove' ;;
    'gateway agent') echo 'add list remove' ;;
    'gateway ssh-ca') echo 'public-key create' ;;
    agent) echo 'serve' ;;
    policy) echo 'check explain' ;;
  esac
}

_hoopctl_options() {
  case $1 in
    '') echo '--help --config --gateway --output --quiet --verbose --version' ;;
    login) echo '--help --ca --ca-sha256 --browser --client-id --client-secret-file --client-key --client-key-id --token-file --token-stdin' ;;
    connect) echo '--help --reason --wait --tcp --isolate --keep --fail-on-deny --result-fd' ;;
    run) echo '--help --target --reason --wait --tcp --isolate --keep --fail-on-deny --result-fd' ;;
    proxy) echo '--help --reason --wait --port --socket --passfile --stdio' ;;
    ssh-config) echo '--help --suffix' ;;
    'requests list') echo '--help --state --mine' ;;
    'requests wait') echo '--help --wait' ;;
    'requests approve') echo '--help --reason --yes' ;;
    'requests reject') echo '--help --reason' ;;
    resume) echo '--help --wait --reason --fail-on-deny --result-fd' ;;
    'sessions list') echo '--help --limit --live --denied --target --subject --since --until --before' ;;
    'sessions export') echo '--help --format --action' ;;
    'sessions replay') echo '--help --speed --step --terminal --action' ;;
    'sessions verify') echo '--help --key' ;;
    'sessions kill') echo '--help --subject --reason' ;;
    'gateway init') echo '--help --name --listen' ;;
    'gateway user add') echo '--help --group --password-stdin' ;;
    'gateway user password') echo '--help --password-stdin' ;;
    'gateway user disable' | 'gateway user remove') echo '--help --reason' ;;
    'gateway role explain') echo '--help --group --kind' ;;
    'gateway agent add') echo '--help --serves --for' ;;
    'gateway audit') echo '--help --limit' ;;
    'policy explain') echo '--help --target --database --file' ;;
    'agent serve') echo '--help --allow --join-token-file --state --ca --ca-sha256 --rotate' ;;
    *) echo '--help' ;;
  esac
}

_hoopctl_targets() {
  command hoopctl targets list --output json 2>/dev/null </dev/null | sed -n 's/^{"name":"\([A-Za-z0-9_.-]*\)".*/\1/p'
}

_hoopctl_sessions() {
  command hoopctl sessions list --output json 2>/dev/null </dev/null | sed -n 's/^{"session":"\([A-Za-z0-9_]*\)".*/\1/p'
}

# _hoopctl_requests OPTION…: what `requests list` lists with these.
_hoopctl_requests() {
  command hoopctl requests list "$@" --output json 2>/dev/null </dev/null | sed -n 's/^{"id":"\(apr_[A-Za-z0-9]*\)".*/\1/p'
}

_hoopctl() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [ "${COMP_WORDS[i]}" = -- ]; then
      # Behind "--" stands the program's own command line.
      if ((i + 1 == COMP_CWORD)); then COMPREPLY=($(compgen -c -- "$word")); else COMPREPLY=($(compgen -f -- "$word")); fi
      return
    fi
    case " $(_hoopctl_commands "$path") " in
      *" ${COMP_WORDS[i]} "*) path=${path:+$path }${COMP_WORDS[i]} ;;
    esac
  done
  case $previous in
    --config | --ca | --join-token-file | --file | --passfile) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --target | -t) COMPREPLY=($(compgen -W "$(_hoopctl_targets)" -- "$word")); return ;;
    --state)
      if [ "$path" = 'requests list' ]; then
        COMPREPLY=($(compgen -W 'pending approved rejected expired spent all' -- "$word"))
      else
        COMPREPLY=($(compgen -d -- "$word"))
      fi
      return
      ;;
    --socket) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --before) COMPREPLY=($(compgen -W "$(_hoopctl_sessions)" -- "$word")); return ;;
    --format) COMPREPLY=($(compgen -W 'text csv jsonl asciicast' -- "$word")); return ;;
    --output) COMPREPLY=($(compgen -W 'text json' -- "$word")); return ;;
    --kind) COMPREPLY=($(compgen -W 'person ci agent' -- "$word")); return ;;
    --gateway | --ca-sha256 | --client-id | --client-key-id | --reason | --wait | --subject | --result-fd | --limit | --name | --listen | --group | --serves | --for | --allow | --database | --port | --since | --until | --speed | --key) return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$(_hoopctl_options "$path") $(_hoopctl_options '')" -- "$word"))
    return
  fi
  case $path in
    connect | proxy | 'targets show') COMPREPLY=($(compgen -W "$(_hoopctl_targets)" -- "$word")) ;;
    'requests show') COMPREPLY=($(compgen -W "$(_hoopctl_requests --state all)" -- "$word")) ;;
    'requests wait' | 'requests approve' | 'requests reject') COMPREPLY=($(compgen -W "$(_hoopctl_requests)" -- "$word")) ;;
    resume) COMPREPLY=($(compgen -W "$(_hoopctl_requests --state all --mine)" -- "$word")) ;;
    'sessions show' | 'sessions kill') COMPREPLY=($(compgen -W "$(_hoopctl_sessions)" -- "$word")) ;;
    'policy check') COMPREPLY=($(compgen -f -- "$word")) ;;
    'sessions verify' | 'sessions export' | 'sessions replay') COMPREPLY=($(compgen -W "$(_hoopctl_sessions)" -- "$word") $(compgen -f -- "$word")) ;;
    'gateway target scan-host-key') COMPREPLY=($(compgen -A hostname -- "$word")) ;;
    'gateway init' | 'gateway serve' | 'gateway audit' | 'gateway ssh-ca '* | 'gateway user '* | 'gateway role '* | 'gateway target '* | 'gateway agent '*) COMPREPLY=($(compgen -d -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$(_hoopctl_commands "$path")" -- "$word")) ;;
  esac
}

complete -F _hoopctl hoopctl
