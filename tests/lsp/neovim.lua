-- A session in the real Neovim, headless: a finding and its quick fix through its own client. Older ones
-- have no vim.lsp.start. Whatever is wrong ends it with a message and a code of 1.
local program, folder = vim.env.NO502, vim.env.FOLDER

local function fail(text)
  io.stderr:write(text .. "\n")
  vim.cmd("cquit 1")
end

local function wait(what, holds)
  if not vim.wait(30000, holds, 20) then
    fail("waited in vain for " .. what .. ": " .. vim.inspect(vim.diagnostic.get(0)))
  end
end

local function request(method, params)
  local answers, failed = vim.lsp.buf_request_sync(0, method, params, 30000)
  if failed then fail(method .. ": " .. failed) end
  for _, answer in pairs(answers) do
    if answer.error then fail(method .. ": " .. vim.inspect(answer.error)) end
    return answer.result
  end
  fail(method .. ": no answer")
end

local function session()
  vim.cmd("edit " .. vim.fn.fnameescape(folder .. "/haproxy.cfg"))
  local config = { name = "no502", cmd = { program, "lsp" }, root_dir = folder }
  if vim.lsp.start then
    vim.lsp.start(config)
  else
    vim.lsp.buf_attach_client(0, vim.lsp.start_client(config))
  end

  local function has(code)
    for _, one in ipairs(vim.diagnostic.get(0)) do
      if one.code == code or (one.user_data and one.user_data.lsp and one.user_data.lsp.code == code) then
        return one
      end
    end
  end

  wait("the finding", function() return has("suppression-unused") end)
  local finding = has("suppression-unused")
  vim.api.nvim_win_set_cursor(0, { finding.lnum + 1, finding.col })
  local clients = vim.lsp.get_clients or vim.lsp.get_active_clients
  local client = clients()[1]
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.context = { diagnostics = {} }
  local actions = request("textDocument/codeAction", params)
  vim.lsp.util.apply_workspace_edit(actions[1].edit, client.offset_encoding)
  wait("the healed text", function() return not has("suppression-unused") end)
  vim.cmd("write")
  vim.cmd("qall!")
end

local fine, why = pcall(session)
if not fine then fail(tostring(why)) end
