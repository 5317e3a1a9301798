-- Health of MigoSMTP's kinds in Argo CD. Lives in the ConfigMap argocd-cm; see README.md beside this file.
-- Ready=True is Healthy, False is Degraded (Suspended where the spec says so), everything else is on its way.
local hs = { status = "Progressing", message = "the operator has not looked at it yet" }
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  hs.message = "the operator has not seen this generation yet"
  return hs
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" then
    hs.message = condition.message
    if condition.status == "True" then
      hs.status = "Healthy"
    elseif condition.status == "False" and condition.reason == "Suspended" then
      hs.status = "Suspended"
    elseif condition.status == "False" then
      hs.status = "Degraded"
    end
    return hs
  end
end
return hs
