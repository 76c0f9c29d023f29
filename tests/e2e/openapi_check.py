"""openapi_check.py DOCUMENT URL CA SESSION: asks a gateway all that its document describes, as who TOKEN and ADMIN_TOKEN say.

Each operation is asked without and with a login, each path by the methods that it does not have, and what comes back must be a
status that the document names, of the type and shape that it says. A difference is a line; the status is 1 if there was one.
"""
import base64
import http.client
import json
import os
import ssl
import sys
import urllib.parse

document_file, url, ca, session = sys.argv[1:]
token, admin = os.environ['TOKEN'], os.environ['ADMIN_TOKEN']
document = json.load(open(document_file))
context = ssl.create_default_context(cafile=ca)
where = urllib.parse.urlsplit(url)
differences = 0
asked = 0


def differ(words):
    global differences
    differences += 1
    print('FAILED', words)


def ask(method, path, bearer=None, body=None, kind='application/json', headers=None):
    global asked
    asked += 1
    connection = http.client.HTTPSConnection(where.hostname, where.port, context=context, timeout=30)
    fields = dict(headers or {})
    if bearer:
        fields['Authorization'] = 'Bearer ' + bearer
    if body is not None:
        fields['Content-Type'] = kind
    connection.request(method, path, body=body, headers=fields)
    answer = connection.getresponse()
    data = b'' if answer.status == 101 else answer.read()
    connection.close()
    return answer, data


def resolve(schema):
    while '$ref' in schema:
        node = document
        for part in schema['$ref'].lstrip('#/').split('/'):
            node = node[part]
        schema = node
    return schema


TYPES = {'string': str, 'object': dict, 'array': list, 'boolean': bool, 'null': type(None)}


def is_a(value, name):
    if name == 'integer':
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def complaints(value, schema, at):
    schema = resolve(schema)
    kinds = schema.get('type', [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_a(value, kind) for kind in kinds):
        return [f'{at} is no {"/".join(kinds)}: {value!r}']
    out = []
    if 'enum' in schema and value not in schema['enum']:
        out.append(f'{at} is {value!r}, none of {schema["enum"]}')
    if isinstance(value, dict):
        properties = schema.get('properties', {})
        out += [f'{at} lacks {name}' for name in schema.get('required', []) if name not in value]
        more = schema.get('additionalProperties', True)
        for name, member in value.items():
            if name in properties:
                out += complaints(member, properties[name], f'{at}.{name}')
            elif more is False:
                out.append(f'{at} has {name}, of which the document knows nothing')
            elif isinstance(more, dict):
                out += complaints(member, more, f'{at}.{name}')
    if isinstance(value, list) and 'items' in schema:
        for index, item in enumerate(value):
            out += complaints(item, schema['items'], f'{at}[{index}]')
    return out


def judge(name, operation, answer, data, method):
    known = operation['responses'].get(str(answer.status))
    if known is None:
        differ(f'{name}: status {answer.status}, which the document does not name: {data[:200]!r}')
        return None
    if method == 'head' or answer.status in (101, 204):
        return None
    content = known.get('content')
    if content is None:
        return None
    kind = answer.getheader('Content-Type', '').split(';')[0]
    if kind not in content:
        differ(f'{name}: {answer.status} is {kind}, not {list(content)}')
        return None
    if not kind.endswith('json'):
        return data
    value = json.loads(data)
    for words in complaints(value, content[kind]['schema'], str(answer.status)):
        differ(f'{name}: {words}')
    return value


METHODS = ('get', 'head', 'put', 'post', 'delete', 'patch')
key = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip('=')

for path, item in document['paths'].items():
    operations = {method: item[method] for method in METHODS if method in item}
    here = path.replace('{session}', session).replace('{id}', 'apr_' + 'a' * 26)
    for method, operation in operations.items():
        name = f'{method.upper()} {path}'
        body = b'{}' if 'requestBody' in operation and method != 'put' else None
        kind = next(iter(operation['requestBody']['content'])) if body else 'application/json'
        answer, data = ask(method.upper(), here, body=body, kind=kind)
        judge(name + ' without a login', operation, answer, data, method)
        if 'security' not in operation and answer.status != 401:
            differ(f'{name}: {answer.status} without a login')
        for who, bearer in (('somebody', token), ('an operator', admin)):
            # What would change something is asked with a body that is refused, and further down with one that is not.
            if path == '/v1/policy/reload' and bearer == admin:
                continue
            answer, data = ask(method.upper(), here, bearer, body, kind)
            judge(f'{name} by {who}', operation, answer, data, method)
            if 'requestBody' in operation and method != 'delete':
                for bad in (b'', b'[', b'{"nothing":1}', b'\xff', b'{"target":7}'):
                    answer, data = ask(method.upper(), here, bearer, bad, kind)
                    judge(f'{name} by {who} with {bad!r}', operation, answer, data, method)
        if '{session}' in path:
            for other in ('s_' + 'a' * 26, 'nothing', '..%2f..'):
                answer, data = ask(method.upper(), path.replace('{session}', other), token, body, kind)
                judge(f'{name} of {other}', operation, answer, data, method)
    if item is document['paths']['/v1/workloads/token']:
        continue
    for method in METHODS:
        if method in operations or (method == 'head' and 'get' in operations):
            continue
        answer, data = ask(method.upper(), here, token)
        allowed = {one.strip().lower() for one in answer.getheader('Allow', '').split(',')}
        wanted = set(operations) | ({'head'} if 'get' in operations and '101' not in operations['get']['responses'] else set())
        if answer.status != 405 or allowed != wanted:
            differ(f'{method.upper()} {path}: {answer.status}, Allow {sorted(allowed)}, not 405 and {sorted(wanted)}')

for path in ('/v1/', '/v1/nothing', '/v1/sessions/' + session + '/nothing', '/v1/grants/a/b', '/v2/whoami', '/'):
    answer, data = ask('GET', path, token)
    if answer.status != 404:
        differ(f'GET {path}: {answer.status}, and the document does not know it')


def whole(name, path, method, body, bearer=token):
    answer, data = ask(method.upper(), path[1], bearer, None if body is None else json.dumps(body).encode())
    operation = document['paths'][path[0]][method]
    value = judge(name, operation, answer, data, method)
    return answer.status, value


# The good way through, on either path.
for target in ('pg-demo', 'pg-demo-gateway'):
    status, grant = whole(f'a grant on {target}', ('/v1/grants', '/v1/grants'), 'post', {'target': target, 'client_key': key, 'reason': 'a test', 'command': ['psql'], 'isolated': True})
    if status != 201:
        differ(f'a grant on {target}: {status}')
        continue
    mine = grant['session']
    one = ('/v1/sessions/{session}', f'/v1/sessions/{mine}')
    if whole('an open session', one, 'get', None)[0] != 200:
        differ('an open session is not there')
    if whole('no more time', ('/v1/grants/{session}/renew', f'/v1/grants/{mine}/renew'), 'post', None)[0] != 403:
        differ('a session was renewed that the policy does not renew')
    if target == 'pg-demo-gateway':
        end = ('/v1/sessions/{session}/end', f'/v1/sessions/{mine}/end')
        if whole('its end', end, 'post', {'cause': 'program_exit', 'program_status': 0})[0] != 200:
            differ('it did not end')
    if whole('its grant ends', ('/v1/grants/{session}', f'/v1/grants/{mine}'), 'delete', None)[0] != 204:
        differ('the grant did not end')
    if whole('one that has ended', one, 'get', None)[0] != 200:
        differ('one that has ended is not there')
if whole('who has no such target', ('/v1/grants', '/v1/grants'), 'post', {'target': 'nothing', 'client_key': key})[0] != 403:
    differ('an unknown target is not 403')
if whole('the policy anew', ('/v1/policy/reload', '/v1/policy/reload'), 'post', None, admin)[0] != 204:
    differ('the policy was not read anew')
status, gone = whole('access taken back', ('/v1/identities/revoke', '/v1/identities/revoke'), 'post', {'subject': 'nobody-here', 'reason': 'a test'}, admin)
if status != 200:
    differ(f'access was not taken back: {status}')

print(asked, 'requests,', differences, 'differences')
sys.exit(1 if differences else 0)
