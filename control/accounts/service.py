"""AuthService over gRPC."""

from dataclasses import dataclass

from typing_extensions import override

from control.accounts import messages
from control.accounts.administration import Administration
from control.accounts.audit import Audit
from control.accounts.authentication import Authentication
from control.accounts.keyring import Keyring
from control.accounts.own_sessions import OwnSessions
from control.accounts.recovery import Recovery
from control.accounts.registration import Registration
from control.accounts.sign_in import SignIn
from control.callers import caller
from matinee.rpc.server import Context
from protos.v1 import auth_pb2 as pb
from protos.v1.auth_pb2_grpc import AuthServiceServicer


@dataclass(frozen=True)
class AuthService(AuthServiceServicer):
    """Passes each call on to the part that knows it."""

    authentication: Authentication
    keyring: Keyring
    sign_in: SignIn
    registration: Registration
    recovery: Recovery
    sessions: OwnSessions
    administration: Administration
    audit: Audit

    @override
    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        return await self.registration.register(request)

    @override
    async def ConfirmEmail(self, request: pb.ConfirmEmailRequest, context: Context) -> pb.ConfirmEmailResponse:
        return await self.registration.confirm(request)

    @override
    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        return await self.sign_in.login(request)

    @override
    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.RefreshResponse:
        return await self.sign_in.refresh(request)

    @override
    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        return await self.sign_in.logout(request)

    @override
    async def RequestPasswordReset(
        self, request: pb.RequestPasswordResetRequest, context: Context
    ) -> pb.RequestPasswordResetResponse:
        return await self.recovery.request(request)

    @override
    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: Context) -> pb.ResetPasswordResponse:
        return await self.recovery.reset(request)

    @override
    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.ChangePasswordResponse:
        return await self.recovery.change(request)

    @override
    async def IssuePasswordReset(
        self, request: pb.IssuePasswordResetRequest, context: Context
    ) -> pb.IssuePasswordResetResponse:
        return await self.recovery.issue(request)

    @override
    async def ListSessions(self, request: pb.ListSessionsRequest, context: Context) -> pb.ListSessionsResponse:
        return await self.sessions.page(request)

    @override
    async def RevokeSession(self, request: pb.RevokeSessionRequest, context: Context) -> pb.RevokeSessionResponse:
        return await self.sessions.revoke(request)

    @override
    async def ListSignIns(self, request: pb.ListSignInsRequest, context: Context) -> pb.ListSignInsResponse:
        return await self.audit.own(request)

    @override
    async def ListAccountSignIns(
        self, request: pb.ListAccountSignInsRequest, context: Context
    ) -> pb.ListAccountSignInsResponse:
        return await self.audit.of_account(request)

    @override
    async def ListAccounts(self, request: pb.ListAccountsRequest, context: Context) -> pb.ListAccountsResponse:
        return await self.administration.page(request)

    @override
    async def CreateAccount(self, request: pb.CreateAccountRequest, context: Context) -> pb.CreateAccountResponse:
        return await self.administration.create(request)

    @override
    async def UpdateAccount(self, request: pb.UpdateAccountRequest, context: Context) -> pb.UpdateAccountResponse:
        return await self.administration.update(request)

    @override
    async def DeleteAccount(self, request: pb.DeleteAccountRequest, context: Context) -> pb.DeleteAccountResponse:
        return await self.administration.delete(request)

    @override
    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:
        return pb.GetAccountResponse(account=await self.administration.get(caller().account_id))

    @override
    async def VerifyToken(self, request: pb.VerifyTokenRequest, context: Context) -> pb.VerifyTokenResponse:
        return pb.VerifyTokenResponse(account=messages.caller(await self.authentication(request.access_token)))

    @override
    async def GetKeys(self, request: pb.GetKeysRequest, context: Context) -> pb.GetKeysResponse:
        return pb.GetKeysResponse(jwks=self.keyring.jwks)

    @override
    async def RotateKeys(self, request: pb.RotateKeysRequest, context: Context) -> pb.RotateKeysResponse:
        return pb.RotateKeysResponse(kid=await self.keyring.rotate())
