# fish completion of hoopctl

# True where the words before the cursor choose exactly this command.
function __hoopctl_at
    set -l path
    set -l words (commandline -opc)
    for word in $words[2..-1]
        test "$word" = -- && return 1
        if contains -- $word login logout whoami targets connect run proxy ssh-config requests resume sessions policy gateway agent doctor check explain list show export replay verify upload pending kill init serve user add remove disable enable target audit password ssh-ca public-key create scan-host-key wait approve reject
            set -a path $word
        end
    end
    test "$path" = "$argv"
end

function __hoopctl_targets
    command hoopctl targets list --output json 2>/dev/null </dev/null | string replace -rf '^{"name":"([A-Za-z0-9_.-]*)".*' '$1'
end

function __hoopctl_sessions
    command hoopctl sessions list --output json 2>/dev/null </dev/null | string replace -rf '^{"session":"([A-Za-z0-9_]*)".*' '$1'
end

# __hoopctl_requests OPTION…: what `requests list` lists with these.
function __hoopctl_requests
    command hoopctl requests list $argv --output json 2>/dev/null </dev/null | string replace -rf '^{"id":"(apr_[A-Za-z0-9]*)".*' '$1'
end

complete -c hoopctl -f
complete -c hoopctl -l help -s h -d 'print help'
complete -c hoopctl -l config -rF -d 'read this configuration file'
complete -c hoopctl -l gateway -x -d 'the gateway'
complete -c hoopctl -l output -x -a 'text json' -d 'how to speak'
complete -c hoopctl -l quiet -d 'only errors'
complete -c hoopctl -l verbose -d 'say what happens'
complete -c hoopctl -l version -d 'print the version'

complete -c hoopctl -n '__hoopctl_at' -a login -d 'log in to a gateway'
complete -c hoopctl -n '__hoopctl_at' -a logout -d 'revoke and delete the login'
complete -c hoopctl -n '__hoopctl_at' -a whoami -d 'say who the gateway takes me for'
complete -c hoopctl -n '__hoopctl_at' -a targets -d 'list what I may open'
complete -c hoopctl -n '__hoopctl_at' -a connect -d 'run a program against a target'
complete -c hoopctl -n '__hoopctl_at' -a run -d 'run a program against several targets at once'
complete -c hoopctl -n '__hoopctl_at' -a proxy -d 'keep an endpoint open for IDEs and services'
complete -c hoopctl -n '__hoopctl_at' -a requests -d 'list, show and decide what waits for an approval'
complete -c hoopctl -n '__hoopctl_at' -a resume -d 'run what waited for an approval'
complete -c hoopctl -n '__hoopctl_at' -a sessions -d 'list, show, verify and deliver session logs; end sessions'
complete -c hoopctl -n '__hoopctl_at' -a policy -d 'check a policy, and ask what it says of a statement'
complete -c hoopctl -n '__hoopctl_at' -a gateway -d 'make and run a gateway'
complete -c hoopctl -n '__hoopctl_at' -a agent -d 'run beside targets that the gateway cannot reach'
complete -c hoopctl -n '__hoopctl_at' -a doctor -d 'say what is wrong with this machine, and the fix'

complete -c hoopctl -n '__hoopctl_at login' -l ca -rF -d 'trust the authorities in this file'
complete -c hoopctl -n '__hoopctl_at login' -l ca-sha256 -x -d 'trust the authority with this SHA-256'
complete -c hoopctl -n '__hoopctl_at login' -l browser -d 'by a browser on this machine'
complete -c hoopctl -n '__hoopctl_at login' -l client-id -x -d 'log in as this service'
complete -c hoopctl -n '__hoopctl_at login' -l client-secret-file -r -d "the service's secret"
complete -c hoopctl -n '__hoopctl_at login' -l client-key -r -d "the service's private key"
complete -c hoopctl -n '__hoopctl_at login' -l client-key-id -x -d 'what the issuer calls that key'
complete -c hoopctl -n '__hoopctl_at login' -l token-file -r -d 'use the access token in this file'
complete -c hoopctl -n '__hoopctl_at login' -l token-stdin -d 'use the access token on stdin'

complete -c hoopctl -n '__hoopctl_at targets' -a list -d 'list them'
complete -c hoopctl -n '__hoopctl_at targets' -a show -d 'show one'
complete -c hoopctl -n '__hoopctl_at targets show' -a '(__hoopctl_targets)'

complete -c hoopctl -n '__hoopctl_at connect' -a '(__hoopctl_targets)'
complete -c hoopctl -n '__hoopctl_at connect' -l reason -x -d 'why'
complete -c hoopctl -n '__hoopctl_at connect' -l wait -x -d 'how long for an approver'
complete -c hoopctl -n '__hoopctl_at connect' -l tcp -d 'listen on 127.0.0.1'
complete -c hoopctl -n '__hoopctl_at connect' -l isolate -d 'nothing but the target'
complete -c hoopctl -n '__hoopctl_at connect' -l keep -d 'go on when our parent ends'
complete -c hoopctl -n '__hoopctl_at connect' -l fail-on-deny -d '77 if anything was denied'
complete -c hoopctl -n '__hoopctl_at connect' -l result-fd -x -d 'descriptor of the result'

complete -c hoopctl -n '__hoopctl_at run' -s t -l target -x -a '(__hoopctl_targets)' -d 'a target'
complete -c hoopctl -n '__hoopctl_at run' -l reason -x -d 'why'
complete -c hoopctl -n '__hoopctl_at run' -l wait -x -d 'how long for an approver'
complete -c hoopctl -n '__hoopctl_at run' -l tcp -d 'listen on 127.0.0.1'
complete -c hoopctl -n '__hoopctl_at run' -l isolate -d 'nothing but the targets'
complete -c hoopctl -n '__hoopctl_at run' -l keep -d 'go on when our parent ends'
complete -c hoopctl -n '__hoopctl_at run' -l fail-on-deny -d '77 if anything was denied'
complete -c hoopctl -n '__hoopctl_at run' -l result-fd -x -d 'descriptor of the results'

complete -c hoopctl -n '__hoopctl_at' -a ssh-config -d 'print a block for ssh'
complete -c hoopctl -n '__hoopctl_at ssh-config' -l suffix -x -d 'what is put behind each name'
complete -c hoopctl -n '__hoopctl_at proxy' -a '(__hoopctl_targets)'
complete -c hoopctl -n '__hoopctl_at proxy' -l stdio -d 'serve the ssh that has started this'
complete -c hoopctl -n '__hoopctl_at proxy' -l reason -x -d 'why'
complete -c hoopctl -n '__hoopctl_at proxy' -l wait -x -d 'how long for an approver'
complete -c hoopctl -n '__hoopctl_at proxy' -l port -x -d 'port on 127.0.0.1'
complete -c hoopctl -n '__hoopctl_at proxy' -l socket -x -a '(__fish_complete_directories)' -d 'a Unix socket in this folder'
complete -c hoopctl -n '__hoopctl_at proxy' -l passfile -rF -d 'keep the password in this file'

complete -c hoopctl -n '__hoopctl_at requests' -a list -d 'list them'
complete -c hoopctl -n '__hoopctl_at requests' -a show -d 'show one whole'
complete -c hoopctl -n '__hoopctl_at requests' -a wait -d 'wait until one is decided'
complete -c hoopctl -n '__hoopctl_at requests' -a approve -d 'let it be done, once'
complete -c hoopctl -n '__hoopctl_at requests' -a reject -d 'refuse it'
complete -c hoopctl -n '__hoopctl_at requests list' -l state -x -a 'pending approved rejected expired spent all' -d 'in this state'
complete -c hoopctl -n '__hoopctl_at requests list' -l mine -d 'only my own'
complete -c hoopctl -n '__hoopctl_at requests show' -a '(__hoopctl_requests --state all)'
complete -c hoopctl -n '__hoopctl_at requests wait' -a '(__hoopctl_requests)'
complete -c hoopctl -n '__hoopctl_at requests wait' -l wait -x -d 'how long'
complete -c hoopctl -n '__hoopctl_at requests approve' -a '(__hoopctl_requests)'
complete -c hoopctl -n '__hoopctl_at requests approve' -l reason -x -d 'why'
complete -c hoopctl -n '__hoopctl_at requests approve' -l yes -d 'ask no question'
complete -c hoopctl -n '__hoopctl_at requests reject' -a '(__hoopctl_requests)'
complete -c hoopctl -n '__hoopctl_at requests reject' -l reason -x -d 'why'
complete -c hoopctl -n '__hoopctl_at resume' -a '(__hoopctl_requests --state all --mine)'
complete -c hoopctl -n '__hoopctl_at resume' -l wait -x -d 'how long for an approver'
complete -c hoopctl -n '__hoopctl_at resume' -l reason -x -d 'why'
complete -c hoopctl -n '__hoopctl_at resume' -l fail-on-deny -d '77 if anything was denied'
complete -c hoopctl -n '__hoopctl_at resume' -l result-fd -x -d 'descriptor of the result'

complete -c hoopctl -n '__hoopctl_at sessions' -a list -d 'list my sessions'
complete -c hoopctl -n '__hoopctl_at sessions' -a show -d 'tell what was done in one'
complete -c hoopctl -n '__hoopctl_at sessions' -a verify -d 'prove that a log is whole'
complete -c hoopctl -n '__hoopctl_at sessions' -a export -d 'print a log whole'
complete -c hoopctl -n '__hoopctl_at sessions' -a replay -d 'show it as it came'
complete -c hoopctl -n '__hoopctl_at sessions' -a upload -d 'deliver what waits here'
complete -c hoopctl -n '__hoopctl_at sessions' -a pending -d 'list what waits here'
complete -c hoopctl -n '__hoopctl_at sessions' -a kill -d 'end one now'
complete -c hoopctl -n '__hoopctl_at sessions list' -l denied -d 'only those with a refusal'
complete -c hoopctl -n '__hoopctl_at sessions list' -l target -x -a '(__hoopctl_targets)' -d 'on this target'
complete -c hoopctl -n '__hoopctl_at sessions list' -l subject -x -d 'of this person'
complete -c hoopctl -n '__hoopctl_at sessions list' -l since -x -d 'started then or later'
complete -c hoopctl -n '__hoopctl_at sessions list' -l until -x -d 'started before'
complete -c hoopctl -n '__hoopctl_at sessions list' -l before -x -a '(__hoopctl_sessions)' -d 'the page after this one'
complete -c hoopctl -n '__hoopctl_at sessions export' -l format -x -a 'text csv jsonl asciicast' -d 'how'
complete -c hoopctl -n '__hoopctl_at sessions export' -l action -x -d 'of which program'
complete -c hoopctl -n '__hoopctl_at sessions export' -a '(__hoopctl_sessions)'
complete -c hoopctl -n '__hoopctl_at sessions replay' -l speed -x -d 'so many times as fast'
complete -c hoopctl -n '__hoopctl_at sessions replay' -l terminal -d 'what a terminal has shown'
complete -c hoopctl -n '__hoopctl_at sessions replay' -l action -x -d 'of which program'
complete -c hoopctl -n '__hoopctl_at sessions replay' -l step -d 'when Enter is pressed'
complete -c hoopctl -n '__hoopctl_at sessions replay' -a '(__hoopctl_sessions)'
complete -c hoopctl -n '__hoopctl_at sessions verify' -l key -x -d 'the key of a file'
complete -c hoopctl -n '__hoopctl_at sessions list' -l limit -x -d 'at most so many'
complete -c hoopctl -n '__hoopctl_at sessions list' -l live -d 'only those that are live'
complete -c hoopctl -n '__hoopctl_at sessions show' -a '(__hoopctl_sessions)'
complete -c hoopctl -n '__hoopctl_at sessions verify' -F -a '(__hoopctl_sessions)'
complete -c hoopctl -n '__hoopctl_at sessions kill' -a '(__hoopctl_sessions)'
complete -c hoopctl -n '__hoopctl_at sessions kill' -l subject -x -d 'all sessions of a person'
complete -c hoopctl -n '__hoopctl_at sessions kill' -l reason -x -d 'why'

complete -c hoopctl -n '__hoopctl_at gateway' -a init -d 'make a configuration'
complete -c hoopctl -n '__hoopctl_at gateway' -a serve -d 'run it'
complete -c hoopctl -n '__hoopctl_at gateway' -a user -d 'the people it knows'
complete -c hoopctl -n '__hoopctl_at gateway' -a agent -d 'the agents it knows'
complete -c hoopctl -n '__hoopctl_at gateway' -a audit -d 'who has administered it'
complete -c hoopctl -n '__hoopctl_at gateway' -a role -d 'who may open what'
complete -c hoopctl -n '__hoopctl_at gateway role' -a list -d 'the roles'
complete -c hoopctl -n '__hoopctl_at gateway role' -a explain -d 'what a person may open'
complete -c hoopctl -n '__hoopctl_at gateway role list' -xa '(__fish_complete_directories)'
complete -c hoopctl -n '__hoopctl_at gateway role explain' -xa '(__fish_complete_directories)'
complete -c hoopctl -n '__hoopctl_at gateway role explain' -l group -x -d 'a group'
complete -c hoopctl -n '__hoopctl_at gateway role explain' -l kind -x -a 'person ci agent' -d 'how the login is made'
complete -c hoopctl -n '__hoopctl_at gateway' -a target -d 'list and check the targets'
complete -c hoopctl -n '__hoopctl_at gateway target' -a list -d 'which targets are configured'
complete -c hoopctl -n '__hoopctl_at gateway target' -a check -d 'take each step of a session, and undo it'
complete -c hoopctl -n '__hoopctl_at gateway target' -a scan-host-key -d 'show the keys of a host'
complete -c hoopctl -n '__hoopctl_at gateway target scan-host-key' -xa '(__fish_print_hostnames)'
complete -c hoopctl -n '__hoopctl_at gateway' -a ssh-ca -d 'the authority that hosts trust'
complete -c hoopctl -n '__hoopctl_at gateway ssh-ca' -a public-key -d 'print its public key'
complete -c hoopctl -n '__hoopctl_at gateway ssh-ca' -a create -d 'make its key'
complete -c hoopctl -n '__hoopctl_at gateway ssh-ca public-key' -xa '(__fish_complete_directories)'
complete -c hoopctl -n '__hoopctl_at gateway ssh-ca create' -xa '(__fish_complete_directories)'
complete -c hoopctl -n '__hoopctl_at gateway target list' -xa '(__fish_complete_directories)'
complete -c hoopctl -n '__hoopctl_at gateway target check' -xa '(__fish_complete_directories)'
complete -c hoopctl -n '__hoopctl_at gateway audit' -F -l limit -x -d 'how many'
complete -c hoopctl -n '__hoopctl_at gateway init' -F -l name -x -d 'a host name'
complete -c hoopctl -n '__hoopctl_at gateway init' -l listen -x -d 'address and port'
complete -c hoopctl -n '__hoopctl_at gateway serve' -F
complete -c hoopctl -n '__hoopctl_at gateway user' -a add -d 'add a person'
complete -c hoopctl -n '__hoopctl_at gateway user' -a password -d 'give a person another password'
complete -c hoopctl -n '__hoopctl_at gateway user password' -F -l password-stdin -d 'read the password from stdin'
complete -c hoopctl -n '__hoopctl_at gateway user' -a list -d 'list them'
complete -c hoopctl -n '__hoopctl_at gateway user' -a disable -d 'end all access of a person'
complete -c hoopctl -n '__hoopctl_at gateway user' -a enable -d 'let a person log in again'
complete -c hoopctl -n '__hoopctl_at gateway user' -a remove -d 'forget a person'
complete -c hoopctl -n '__hoopctl_at gateway user list' -F
complete -c hoopctl -n '__hoopctl_at gateway user disable' -F -l reason -x -d 'why'
complete -c hoopctl -n '__hoopctl_at gateway user enable' -F
complete -c hoopctl -n '__hoopctl_at gateway user remove' -F -l reason -x -d 'why'
complete -c hoopctl -n '__hoopctl_at gateway user add' -l group -x -d 'a group'
complete -c hoopctl -n '__hoopctl_at gateway user add' -l password-stdin -d 'read the password from stdin'
complete -c hoopctl -n '__hoopctl_at gateway agent' -a add -d 'add an agent and print its join token'
complete -c hoopctl -n '__hoopctl_at gateway agent' -a list -d 'list them'
complete -c hoopctl -n '__hoopctl_at gateway agent' -a remove -d 'forget one'
complete -c hoopctl -n '__hoopctl_at gateway agent add' -F -l serves -x -d 'a label of its targets'
complete -c hoopctl -n '__hoopctl_at gateway agent add' -l for -x -d 'how long the token is good'
complete -c hoopctl -n '__hoopctl_at gateway agent list' -F
complete -c hoopctl -n '__hoopctl_at gateway agent remove' -F

complete -c hoopctl -n '__hoopctl_at agent' -a serve -d 'run it'
complete -c hoopctl -n '__hoopctl_at agent serve' -l allow -x -d 'an address that may be connected to'
complete -c hoopctl -n '__hoopctl_at agent serve' -l join-token-file -rF -d 'the file of the join token'
complete -c hoopctl -n '__hoopctl_at agent serve' -l state -x -a '(__fish_complete_directories)' -d 'where it keeps its name and key'
complete -c hoopctl -n '__hoopctl_at agent serve' -l ca -rF -d 'trust the authorities in this file'
complete -c hoopctl -n '__hoopctl_at agent serve' -l ca-sha256 -x -d 'trust the authority with this SHA-256'
complete -c hoopctl -n '__hoopctl_at agent serve' -l rotate -d 'change the key now'
complete -c hoopctl -n '__hoopctl_at policy' -a check -d 'read it as a gateway does'
complete -c hoopctl -n '__hoopctl_at policy check' -F
complete -c hoopctl -n '__hoopctl_at policy' -a explain -d 'say what would become of SQL'
complete -c hoopctl -n '__hoopctl_at policy explain' -l target -x -a '(__hoopctl_targets)' -d 'the target'
complete -c hoopctl -n '__hoopctl_at policy explain' -l database -x -d 'one of its databases'
complete -c hoopctl -n '__hoopctl_at policy explain' -l file -rF -d 'read the SQL from a file'
